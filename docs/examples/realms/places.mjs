// Which channels a user hears at a path of the site: the realms. The client says a path and no
// more, and this is the only place that decides what follows from it. Pure, but for looking the
// game up.
//
//   anywhere                 user:ann               on every tab of hers
//   /                        lobby:main             chat:lobby
//   /game/x, as a player     game:x  rack:x.ann     chat:game.x
//   /game/x, as an observer  gametv:x               chat:gametv.x
import { Refusal } from '../common/refusal.mjs';
import { seatOf } from './game.mjs';

// Ids are made of these alone, so that each is one token of a NATS subject, whatever a client says.
const gamePath = /^\/game\/([a-z0-9]{1,16})$/;
const userId = /^[a-z][a-z0-9]{0,15}$/;

export function isUserId(text) {
  return typeof text === 'string' && userId.test(text);
}

// "game:x" is the subject "game.x": the first ':' of a channel is the first '.' of its subject.
export function subjectOf(channel) {
  return channel.replace(':', '.');
}

// {channels, meta}: `meta` stays with the connection, out of the client's reach, and comes back
// with everything that it asks.
export async function realmsAt(path, user, findGame) {
  const place = (realms, chat, more) => ({
    channels: [`user:${user}`, ...realms, chat],
    meta: { path, chat, ...more },
  });
  if (path === '/') return place(['lobby:main'], 'chat:lobby', {});
  const id = typeof path === 'string' && gamePath.exec(path)?.[1];
  const game = id && (await findGame(id));
  if (!game) throw new Refusal(404, 'there is no such place');
  if (seatOf(game, user) < 0) return place([`gametv:${id}`], `chat:gametv.${id}`, { tv: id });
  return place([`game:${id}`, `rack:${id}.${user}`], `chat:game.${id}`, { game: id });
}
