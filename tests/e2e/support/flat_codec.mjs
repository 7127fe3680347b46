// Frames of the binary protocol <-> plain objects, over the code that flatc makes.
//
// A name of the schema in snake_case is the same in camelCase here; 64-bit numbers are BigInt,
// bytes are Buffers, and what is absent is its default.
import { loadSchema } from './flat_schema.mjs';

export const schema = await loadSchema();
const { flatbuffers } = schema;

// Fields by table, in the schema's order: s text, b bytes, n number, u 64 bits, t true or false;
// a table's name, or [its name] for a vector.
const tables = {
  Pong: {},
  KnownSubscription: { channel: 's', recover: 't', epoch: 's', offset: 'u' },
  Connect: { token: 's', name: 's', version: 's', data: 'b', subs: ['KnownSubscription'] },
  Subscribe: {
    channel: 's', token: 's', recover: 't', epoch: 's', offset: 'u', data: 'b', positioned: 't',
    recoverable: 't', joinLeave: 't', delta: 's', flag: 'u', type: 'n',
  },
  Unsubscribe: { channel: 's' },
  Publish: { channel: 's', data: 'b' },
  Presence: { channel: 's' },
  PresenceStats: { channel: 's' },
  Position: { epoch: 's', offset: 'u' },
  History: { channel: 's', limit: 'n', since: 'Position', reverse: 't' },
  Rpc: { method: 's', data: 'b' },
  Refresh: { token: 's' },
  SubRefresh: { channel: 's', token: 's' },
  Send: { data: 'b' },

  ErrorResult: { code: 'n', message: 's', temporary: 't' },
  ClientInfo: { user: 's', client: 's', connInfo: 'b', chanInfo: 'b' },
  Publication: { data: 'b', info: 'ClientInfo', offset: 'u', delta: 't' },
  SubscribeResult: {
    expires: 't', ttl: 'n', recoverable: 't', positioned: 't', epoch: 's', offset: 'u',
    publications: ['Publication'], wasRecovering: 't', recovered: 't', delta: 't', data: 'b',
  },
  ServerSubscription: { channel: 's', result: 'SubscribeResult' },
  ConnectResult: {
    client: 's', version: 's', expires: 't', ttl: 'n', ping: 'n', pong: 't', data: 'b',
    subs: ['ServerSubscription'], session: 's', node: 's',
  },
  UnsubscribeResult: {},
  PublishResult: {},
  PresenceResult: { members: ['ClientInfo'] },
  PresenceStatsResult: { clients: 'n', users: 'n' },
  HistoryResult: { publications: ['Publication'], epoch: 's', offset: 'u' },
  RpcResult: { data: 'b' },
  RefreshResult: { client: 's', version: 's', expires: 't', ttl: 'n' },
  SubRefreshResult: { expires: 't', ttl: 'n' },
  Ping: {},
  PublicationPush: { channel: 's', publication: 'Publication' },
  JoinPush: { channel: 's', info: 'ClientInfo' },
  LeavePush: { channel: 's', info: 'ClientInfo' },
  UnsubscribePush: { channel: 's', code: 'n', reason: 's' },
  SubscribePush: {
    channel: 's', recoverable: 't', positioned: 't', epoch: 's', offset: 'u', data: 'b',
  },
  MessagePush: { data: 'b' },
  RefreshPush: { expires: 't', ttl: 'n' },
};

const capital = (name) => name[0].toUpperCase() + name.slice(1);

function writeValue(builder, table, name, type, value) {
  if (type === 's') return builder.createString(value);
  const vector = (of) => schema[table][`create${capital(name)}Vector`](builder, of);
  if (type === 'b') return vector(Buffer.from(value));
  if (Array.isArray(type)) {
    return vector(value.map((one) => writeTable(builder, type[0], one)));
  }
  if (type === 'u') return BigInt(value);
  return type.length > 1 ? writeTable(builder, type, value) : value;
}

function writeTable(builder, table, object) {
  const made = schema[table];
  for (const name of Object.keys(object)) {
    if (!(name in tables[table])) throw new Error(`${table} has no field ${name}`);
  }
  const values = Object.entries(tables[table])
    .filter(([name]) => object[name] !== undefined && object[name] !== null)
    .map(([name, type]) => [name, writeValue(builder, table, name, type, object[name])]);
  made[`start${table}`](builder);
  for (const [name, value] of values) made[`add${capital(name)}`](builder, value);
  return made[`end${table}`](builder);
}

function readTable(table, from) {
  const object = {};
  for (const [name, type] of Object.entries(tables[table])) {
    if (type === 'b') {
      object[name] = Buffer.from(from[`${name}Array`]() ?? []);
    } else if (Array.isArray(type)) {
      const length = from[`${name}Length`]();
      object[name] = Array.from({ length }, (_, i) => readTable(type[0], from[name](i)));
    } else if (type.length > 1) {
      const child = from[name]();
      object[name] = child === null ? null : readTable(type, child);
    } else {
      object[name] = from[name]() ?? '';
    }
  }
  return object;
}

// {id, type: 'Connect', body: {token}} of a Command, or of a ServerMessage.
function encode(root, bodies, { id = 0, type, body = {} }) {
  const builder = new flatbuffers.Builder(256);
  const written = writeTable(builder, type, body);
  builder.finish(schema[root][`create${root}`](builder, id, bodies[type], written), 'MLRC', true);
  return Buffer.from(builder.asUint8Array());
}
export const encodeCommand = (command) => encode('Command', schema.CommandBody, command);
export const encodeServerMessage = (one) => encode('ServerMessage', schema.MessageBody, one);

function decode(root, bodies, frame) {
  const all = [];
  for (let at = 0; at < frame.length; ) {
    const size = 4 + frame.readUInt32LE(at);
    const bytes = new flatbuffers.ByteBuffer(new Uint8Array(frame.subarray(at, at + size)));
    at += size;
    const message = schema[root][`getSizePrefixedRootAs${root}`](bytes);
    const type = Object.keys(bodies).find((name) => bodies[name] === message.bodyType());
    // A body of a newer server than this client.
    if (type === undefined || type === 'NONE') continue;
    all.push({ id: message.id(), type, body: readTable(type, message.body(new schema[type]())) });
  }
  return all;
}
export const decodeCommands = (frame) => decode('Command', schema.CommandBody, frame);
export const decodeServerMessages = (frame) => decode('ServerMessage', schema.MessageBody, frame);
