"""What the python clients share: calls are lines of JSON on standard input, answers on the output.

A client is a class with coroutines connect, send, sendFragments, receive, ping, close, closed and
leave, each taking the call's fields; node_clients.mjs says what they do.
"""

import asyncio
import base64
import hashlib
import json
import sys
import traceback

SHOWN_TEXT = 4096  # bytes; a longer one is told by its hash


def bytes_of(payload):
    block, size = base64.b64decode(payload['block']), payload['size']
    return (block * (size // max(len(block), 1) + 1))[:size]


def value_of(payload):
    """A str for text, bytes otherwise."""
    data = bytes_of(payload)
    return data.decode() if payload['type'] == 'text' else data


def fingerprint(received):
    is_text = isinstance(received, str)
    data = received.encode() if is_text else bytes(received)
    seen = {
        'type': 'text' if is_text else 'binary',
        'size': len(data),
        'sha256': hashlib.sha256(data).hexdigest(),
    }
    if is_text and len(data) <= SHOWN_TEXT:
        seen['text'] = received
    return seen


def closed_with(code, reason):
    return {'code': code, 'reason': reason or '', 'clean': code != 1006}


async def answer(client, call, params):
    try:
        return {'result': await getattr(client, call)(**params)}
    except (Exception, asyncio.CancelledError):  # whatever a library throws is an answer
        return {'error': traceback.format_exc()}


async def tell(client, call, params):
    print(json.dumps(await answer(client, call, params)), flush=True)


async def loop(make_client):
    client = None
    answering = None
    while line := await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline):
        command = json.loads(line)
        call = command.pop('call')
        if call == 'connect':
            client = make_client()
        if answering:
            # The test has given up on it, or there would be no next call.
            answering.cancel()
            await answering
        answering = asyncio.ensure_future(tell(client, call, command))


def main(make_client):
    asyncio.run(loop(make_client))
