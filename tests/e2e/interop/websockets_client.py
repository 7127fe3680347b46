#!/usr/bin/python3
"""Debian's python3-websockets."""

import base64

import websockets
from remote_client import closed_with, fingerprint, main, value_of


class Client:
    async def connect(self, url, protocols, deflate):
        self.socket = await websockets.connect(
            url,
            subprotocols=protocols or None,
            compression='deflate' if deflate else None,
            max_size=None,
            ping_interval=None,
        )
        fields = self.socket.response_headers
        return {
            'protocol': self.socket.subprotocol or '',
            'extensions': fields.get('Sec-WebSocket-Extensions', ''),
        }

    async def send(self, payloads):
        for payload in payloads:
            try:
                await self.socket.send(value_of(payload))
            except websockets.ConnectionClosed:
                return  # closed() tells

    async def sendFragments(self, parts):
        await self.socket.send(value_of(part) for part in parts)

    async def receive(self, count):
        return [fingerprint(await self.socket.recv()) for _ in range(count)]

    async def ping(self, block):
        # The answer resolves for the pong that brings the same.
        await (await self.socket.ping(base64.b64decode(block)))
        return block

    async def close(self, code, reason):
        await self.socket.close(code, reason)

    async def closed(self):
        await self.socket.wait_closed()
        return closed_with(self.socket.close_code, self.socket.close_reason)

    async def leave(self):
        self.socket.transport.abort()


main(Client)
