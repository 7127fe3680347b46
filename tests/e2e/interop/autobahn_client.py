#!/usr/bin/python3
"""Debian's python3-autobahn, on asyncio."""

import asyncio
import base64
import urllib.parse

from autobahn.asyncio.websocket import WebSocketClientFactory, WebSocketClientProtocol
from autobahn.websocket.compress import PerMessageDeflateOffer
from remote_client import bytes_of, fingerprint, main


class Protocol(WebSocketClientProtocol):
    def __init__(self):
        super().__init__()
        self.messages, self.pongs = asyncio.Queue(), asyncio.Queue()
        self.opened = asyncio.get_running_loop().create_future()
        self.ended = asyncio.get_running_loop().create_future()

    def onConnect(self, response):
        self.answer = {
            'protocol': response.protocol or '',
            'extensions': ', '.join(map(str, response.extensions)),
        }

    def onOpen(self):
        self.opened.set_result(self.answer)

    def onMessage(self, payload, isBinary):
        self.messages.put_nowait(payload if isBinary else payload.decode())

    def onPong(self, payload):
        self.pongs.put_nowait(payload)

    def onClose(self, wasClean, code, reason):
        self.ended.set_result({'code': code, 'reason': reason or '', 'clean': wasClean})
        if not self.opened.done():
            self.opened.set_exception(ConnectionError(reason))


class Client:
    async def connect(self, url, protocols, deflate):
        factory = WebSocketClientFactory(url, protocols=protocols or None)
        factory.protocol = Protocol
        if deflate:
            factory.setProtocolOptions(perMessageCompressionOffers=[PerMessageDeflateOffer()])
        where = urllib.parse.urlsplit(url)
        connecting = asyncio.get_running_loop().create_connection(
            factory, where.hostname, where.port
        )
        self.transport, self.socket = await connecting
        return await self.socket.opened

    async def send(self, payloads):
        for payload in payloads:
            self.socket.sendMessage(bytes_of(payload), isBinary=payload['type'] != 'text')

    async def sendFragments(self, parts):
        self.socket.beginMessage(isBinary=parts[0]['type'] != 'text')
        for part in parts:
            self.socket.sendMessageFrame(bytes_of(part))
        self.socket.endMessage()

    async def receive(self, count):
        return [fingerprint(await self.socket.messages.get()) for _ in range(count)]

    async def ping(self, block):
        self.socket.sendPing(base64.b64decode(block))
        return base64.b64encode(await self.socket.pongs.get()).decode()

    async def close(self, code, reason):
        self.socket.sendClose(code, reason)

    async def closed(self):
        return await self.socket.ended

    async def leave(self):
        self.transport.abort()


main(Client)
