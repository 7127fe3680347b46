#!/usr/bin/python3
"""Random streams of client frames through our decoder and through wsproto: do both see the same?

    /usr/bin/python3 compare_frames.py build/release/frame_outcomes --streams 100000 --seed 7

frame_outcomes makes the streams and says what our decoder saw. The same bytes go to Debian's
python3-wsproto, as the server's side of a connection behind its handshake. The two must have seen
the same messages, pings, pongs and end, byte by byte, but for the differences of the table below,
each with its reason; how often each was met is printed. Any other difference is shown, with what
replays it, and the exit code is 1.
"""

import argparse
import collections
import struct
import subprocess
import sys
import typing

from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, Pong, TextMessage

SHOWN = 5  # differences in full, however many there are

KNOWN = {
    'limit of bytes': 'we refuse a message over our limit (1009); wsproto leaves that to its user',
    'limit of fragments': 'we refuse a message of too many frames (1008); wsproto counts none',
    'refused earlier': 'we refuse a frame at the first bytes that break a rule, wsproto reads on; '
    'the stream ends in between, and one byte or a few more make wsproto refuse it too',
    'refused later': 'we look at a long length when the whole header is here, wsproto before the '
    'mask; the stream ends in between',
    'half a surrogate pair': 'we refuse text at the second byte of a surrogate (ED A0 to ED BF), '
    "no third makes it right; Python's decoder waits for the third, whatever it is",
    'close code 1014': 'registered with IANA (bad gateway) after the table in wsproto was made',
}

# Ways to spoil an outcome, to see that the comparison finds it. Each gives a list that no decoder
# may report where the given one is right, or None where it does not fit.
SPOIL = {
    'a byte of a payload': lambda seen: spoil_payload(seen),
    'a lost outcome': lambda seen: seen[:-1] if seen else None,
    'one that never came': lambda seen: seen + [(b'pong', b'')],
    'two in the wrong order': lambda seen: (
        seen[1::-1] + seen[2:] if len(seen) > 1 and seen[0] != seen[1] else None
    ),
    'text as binary': lambda seen: (
        [(b'binary', seen[0][1])] + seen[1:] if seen and seen[0][0] == b'text' else None
    ),
    'another code': lambda seen: (
        seen[:-1] + [(seen[-1][0], flip_bit(seen[-1][1][:4]) + seen[-1][1][4:])]
        if seen and seen[-1][0] in (b'close', b'violation')
        else None
    ),
    'a refusal (1002) of what is lawful': lambda seen: refused_in_place_of_a_message(seen, b'1002'),
    'a refusal (1007) of what is text': lambda seen: refused_in_place_of_a_message(seen, b'1007'),
    'a refusal (1008) below the limit': lambda seen: refused_in_place_of_a_message(seen, b'1008'),
    'a refusal (1009) below the limit': lambda seen: refused_in_place_of_a_message(seen, b'1009'),
}


def flip_bit(data):
    return data[:-1] + bytes([data[-1] ^ 1])


def spoil_payload(seen):
    for i, (kind, payload) in enumerate(seen):
        if payload:
            return seen[:i] + [(kind, flip_bit(payload))] + seen[i + 1 :]
    return None


def refused_in_place_of_a_message(seen, code):
    for i, (kind, _) in enumerate(seen):
        if kind in (b'text', b'binary'):
            return seen[:i] + [(b'violation', code)]
    return None


def read_with_wsproto(data):
    """The outcomes in order, and how many bytes came of a message that has not ended."""
    connection = Connection(ConnectionType.SERVER)
    connection.receive_data(data)
    outcomes = []
    parts = []
    for event in connection.events():
        if isinstance(event, (TextMessage, BytesMessage)):
            is_text = isinstance(event, TextMessage)
            parts.append(event.data.encode() if is_text else bytes(event.data))
            if event.message_finished:
                outcomes.append((b'text' if is_text else b'binary', b''.join(parts)))
                parts = []
        elif isinstance(event, Ping):
            outcomes.append((b'ping', bytes(event.payload)))
        elif isinstance(event, Pong):
            outcomes.append((b'pong', bytes(event.payload)))
        elif isinstance(event, CloseConnection):
            code = b'%d' % event.code
            if connection.state is ConnectionState.REMOTE_CLOSING:
                outcomes.append((b'close', code + b' ' + (event.reason or '').encode()))
            else:
                outcomes.append((b'violation', code))
    return outcomes, sum(map(len, parts))


class Frame(typing.NamedTuple):
    opcode: int
    fin: int
    length: int
    header: int  # bytes that it has
    here: bytes  # of the frame and what follows it, from its first byte


def frames_of(data):
    """The frames that have begun, as far as their headers are here."""
    at = 0
    while len(data) - at >= 2:
        form = data[at + 1] & 0x7F
        wide = {126: 2, 127: 8}.get(form, 0)
        length = int.from_bytes(data[at + 2 : at + 2 + wide], 'big') if wide else form
        header = 2 + wide + 4
        yield Frame(data[at] & 15, data[at] >> 7, length, header, data[at:])
        at += header + length


def first_limit(data, limits):
    """The code of the first limit that is passed, and how many outcomes stand before it."""
    most_bytes, most_frames = limits
    outcomes = size = count = 0
    for frame in frames_of(data):
        if frame.opcode >= 8:
            outcomes += 1
            continue
        if frame.opcode != 0:
            size = count = 0
        size += frame.length
        count += 1
        if size > most_bytes:
            return b'1009', outcomes
        if count > most_frames:
            return b'1008', outcomes
        outcomes += frame.fin
    return None


def first_close_code(data):
    for frame in frames_of(data):
        if frame.opcode == 8 and frame.length >= 2 and len(frame.here) >= 8:
            mask, code = frame.here[2:6], frame.here[6:8]
            return (code[0] ^ mask[0]) << 8 | code[1] ^ mask[1]
    return None


def refuses_soon(data, outcomes, open_bytes):
    """Whether wsproto refuses the frame that `data` ends in, as soon as it has a little more."""
    for more in range(1, 140):
        later, later_bytes = read_with_wsproto(data + bytes(more))
        if (later, later_bytes) != (outcomes, open_bytes):
            return later == outcomes + [(b'violation', b'1002')] and later_bytes == open_bytes
    return False


def waits_in_vain(data, outcomes):
    """Whether behind `outcomes`, where a frame or all ends, wsproto has begun text that no next
    byte makes right."""
    for frame in frames_of(data):
        payload = frame.here[frame.header : frame.header + frame.length]
        mask = frame.here[frame.header - 4 : frame.header]
        if not payload or not 0xA0 <= payload[-1] ^ mask[(len(payload) - 1) % 4] <= 0xBF:
            continue
        is_whole = len(payload) == frame.length
        begun = data[: len(data) - len(frame.here) + frame.header + frame.length]
        seen = read_with_wsproto(begun)[0]
        refused = seen + [(b'violation', b'1007')]
        # In the same frame or, behind a whole one, in a fragment of its own that is not the last.
        begun += b'\x00\x81\0\0\0\0' if is_whole else b''
        if all(read_with_wsproto(begun + bytes([i]))[0] == refused for i in range(256)):
            return seen == outcomes
    return False


def waits_for_the_mask(data):
    """Whether `data` ends behind a length in the wrong form, and no more is wrong before it."""
    *_, last = frames_of(data)
    lawful = last.here[0] & 0x7F in (0, 1, 2) and last.here[1] & 0x80
    least = {8: 126, 14: 0x10000}.get(last.header, 0)
    wrong = last.length < least or last.length >= 1 << 63
    return lawful and wrong and last.header - 4 <= len(last.here) < last.header


def known_difference(data, ours, theirs, open_bytes, limits):
    """The name of the known difference that explains all that differs, or None."""
    if theirs == ours + [(b'violation', b'1002')]:
        return 'refused later' if waits_for_the_mask(data) else None
    if not ours or theirs[: len(ours) - 1] != ours[:-1]:
        return None
    (kind, detail), rest = ours[-1], theirs[len(ours) - 1 :]
    if kind == b'violation' and (detail, len(ours) - 1) == first_limit(data, limits):
        return 'limit of bytes' if detail == b'1009' else 'limit of fragments'
    if ours[-1] == (b'violation', b'1002') and not rest:
        return 'refused earlier' if refuses_soon(data, theirs, open_bytes) else None
    if ours[-1] == (b'violation', b'1007') and waits_in_vain(data, ours[:-1]):
        return 'half a surrogate pair'
    if rest == [(b'violation', b'1002')] and first_close_code(data) == 1014:
        ends = (b'close', b'1014 ') if kind == b'close' else (b'violation', b'1007')
        return 'close code 1014' if (kind, detail[: len(ends[1])]) == ends else None
    return None


def streams_of(program, count, seed):
    """The limits, then (bytes, outcomes) of each stream; see tests/e2e/frame_outcomes.cc."""
    command = [program, '--streams', str(count), '--seed', str(seed)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:

        def number():
            return struct.unpack('<I', process.stdout.read(4))[0]

        def string():
            return process.stdout.read(number())

        yield number(), number()
        for _ in range(count):
            data = string()
            lines = [string() for _ in range(number())]
            yield data, [tuple(line.split(b' ', 1)) for line in lines]
    if process.returncode != 0:
        raise SystemExit(f'{program} ended with {process.returncode}')


def show(index, data, ours, theirs):
    same = 0
    while ours[same : same + 1] and ours[same : same + 1] == theirs[same : same + 1]:
        same += 1

    def brief(outcomes):
        return [f'{kind.decode()} of {len(rest)}: {rest[:40]}' for kind, rest in outcomes[same:]]

    print(f'stream {index}: {len(data)} bytes, ending in {data[-200:].hex()}')
    print(f'  both:    the first {same}, then\n  ours:    {brief(ours)}')
    print(f'  wsproto: {brief(theirs)}')


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split('\n', 1)[0])
    parser.add_argument('program', help='frame_outcomes, such as build/release/frame_outcomes')
    parser.add_argument('--streams', type=int, default=2000)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--spoil', choices=SPOIL, help='make our outcomes wrong in this way')
    return parser.parse_args()


def main():
    given = arguments()
    streams = streams_of(given.program, given.streams, given.seed)
    limits = next(streams)
    seen, known = collections.Counter(), collections.Counter()
    spoiled = differences = 0
    for index, (data, ours) in enumerate(streams):
        theirs, open_bytes = read_with_wsproto(data)
        for kind, rest in ours:
            name = kind.decode()
            seen[f'{name} {rest.decode()}' if kind == b'violation' else name] += 1
        if given.spoil:
            wrong = SPOIL[given.spoil](ours) if ours == theirs else None
            if wrong is None:
                continue
            ours = wrong
            spoiled += 1
        if ours == theirs:
            continue
        name = known_difference(data, ours, theirs, open_bytes, limits)
        if name:
            known[name] += 1
            continue
        differences += 1
        if differences <= SHOWN:
            show(index, data, ours, theirs)
    for name, count in sorted(known.items()):
        print(f'known: {count} x {name}: {KNOWN[name]}')
    print('seen: ' + ', '.join(f'{count} {name}' for name, count in sorted(seen.items())))
    if given.spoil:
        print(f'spoiled: {spoiled}')
    print(f'compared: {given.streams} streams of seed {given.seed}, {differences} differences')
    return 1 if differences else 0


if __name__ == '__main__':
    sys.exit(main())
