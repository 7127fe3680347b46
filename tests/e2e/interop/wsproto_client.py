#!/usr/bin/python3
"""Debian's python3-wsproto, which reads and writes no sockets, over asyncio's streams."""

import asyncio
import base64
import urllib.parse

from remote_client import closed_with, fingerprint, main, value_of
from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Ping,
    Pong,
    RejectConnection,
    Request,
    TextMessage,
)
from wsproto.extensions import PerMessageDeflate

READ_SIZE = 256 * 1024


class Client:
    async def connect(self, url, protocols, deflate):
        self.protocol = WSConnection(ConnectionType.CLIENT)
        self.messages, self.pongs = asyncio.Queue(), asyncio.Queue()
        self.accepted = asyncio.get_running_loop().create_future()
        self.parts, self.end = [], closed_with(1006, '')
        where = urllib.parse.urlsplit(url)
        self.reader, self.writer = await asyncio.open_connection(where.hostname, where.port)
        target = where.path + ('?' + where.query if where.query else '')
        extensions = [PerMessageDeflate()] if deflate else []
        request = Request(
            host=where.netloc, target=target, subprotocols=protocols, extensions=extensions
        )
        self.write(request)
        self.reading = asyncio.ensure_future(self.read())
        event = await self.accepted
        return {
            'protocol': event.subprotocol or '',
            'extensions': ', '.join(extension.name for extension in event.extensions),
        }

    def write(self, event):
        self.writer.write(self.protocol.send(event))

    async def read(self):
        try:
            while data := await self.reader.read(READ_SIZE):
                self.protocol.receive_data(data)
                for event in self.protocol.events():
                    self.take(event)
        except ConnectionError:
            pass  # closed() tells by its code
        if not self.accepted.done():
            self.accepted.set_exception(ConnectionError('no answer to the handshake'))
        self.writer.close()

    def take(self, event):
        if isinstance(event, AcceptConnection):
            self.accepted.set_result(event)
        elif isinstance(event, RejectConnection):
            self.accepted.set_exception(ConnectionError(f'refused: {event.status_code}'))
        elif isinstance(event, (TextMessage, BytesMessage)):
            self.parts.append(event.data)
            if event.message_finished:
                self.messages.put_nowait(event.data[:0].join(self.parts))
                self.parts = []
        elif isinstance(event, Ping):
            self.write(event.response())
        elif isinstance(event, Pong):
            self.pongs.put_nowait(event.payload)
        elif isinstance(event, CloseConnection):
            self.end = closed_with(int(event.code), event.reason)
            if self.protocol.state.name == 'REMOTE_CLOSING':
                self.write(event.response())

    async def send(self, payloads):
        for payload in payloads:
            await self.send_part(payload, True)

    async def sendFragments(self, parts):
        for part in parts:
            await self.send_part(part, part is parts[-1])

    async def send_part(self, payload, is_last):
        kind = TextMessage if payload['type'] == 'text' else BytesMessage
        self.write(kind(data=value_of(payload), message_finished=is_last))
        try:
            await self.writer.drain()
        except ConnectionError:
            pass  # closed() tells

    async def receive(self, count):
        return [fingerprint(await self.messages.get()) for _ in range(count)]

    async def ping(self, block):
        self.write(Ping(payload=base64.b64decode(block)))
        return base64.b64encode(await self.pongs.get()).decode()

    async def close(self, code, reason):
        self.write(CloseConnection(code=code, reason=reason))

    async def closed(self):
        await self.reading
        return self.end

    async def leave(self):
        self.writer.transport.abort()


main(Client)
