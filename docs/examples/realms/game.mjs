// The rules of "higher card", and who may see what of a game. Pure: it knows no network.
//
// Two players hold five cards each, of 1 to 10. Each puts one face down; when both have, the cards
// are turned, and the higher one takes the round. So there is something to hide: the hands, and
// the card that lies face down. Players see their own, observers see both, as on television.
import { Refusal } from '../common/refusal.mjs';

function deal(random) {
  const cards = Array.from({ length: 10 }, (_, i) => i + 1);
  for (let i = cards.length - 1; i > 0; --i) {
    const j = Math.floor(random() * (i + 1));
    [cards[i], cards[j]] = [cards[j], cards[i]];
  }
  return [cards.slice(0, 5).sort((a, b) => a - b), cards.slice(5).sort((a, b) => a - b)];
}

export function newGame(id, owner, random = Math.random) {
  return { id, players: [owner], hands: deal(random), down: [null, null], rounds: [] };
}

export function seatOf(game, user) {
  return game.players.indexOf(user); // -1: not a player
}

export function isOver({ rounds }) {
  return rounds.length === 5;
}

export function join(game, user) {
  if (seatOf(game, user) >= 0) throw new Refusal(409, 'you are in this game');
  if (game.players.length === 2) throw new Refusal(409, 'the game has two players');
  return { ...game, players: [...game.players, user] };
}

export function putCard(game, user, card) {
  const seat = seatOf(game, user);
  if (seat < 0) throw new Refusal(403, 'you are not a player of this game');
  if (game.players.length < 2) throw new Refusal(409, 'the other player has not come yet');
  if (game.down[seat] !== null) throw new Refusal(409, 'your card lies on the table already');
  if (!game.hands[seat].includes(card)) throw new Refusal(409, 'you do not hold this card');
  const hands = game.hands.map((hand, i) => (i === seat ? hand.filter((c) => c !== card) : hand));
  const down = game.down.map((one, i) => (i === seat ? card : one));
  if (down.includes(null)) return { ...game, hands, down };
  return { ...game, hands, down: [null, null], rounds: [...game.rounds, down] };
}

// --- who sees what ------------------------------------------------------------------------------

// What everybody may know: this is all that the two players get about each other.
export function publicView({ id, players, down, rounds }) {
  const score = [0, 1].map((seat) => rounds.filter((r) => r[seat] > r[1 - seat]).length);
  const over = isOver({ rounds });
  return { id, players, rounds, score, over, down: down.map((card) => card !== null) };
}

// A line in the list of games.
export function listView({ id, players, rounds }) {
  return { id, players, over: isOver({ rounds }) };
}

// What observers see: both hands, and what lies face down.
export function tvView(game) {
  return { ...publicView(game), hands: game.hands, down: game.down };
}

// What only this player may see.
export function ownHand(game, user) {
  const seat = seatOf(game, user);
  return { id: game.id, seat, hand: game.hands[seat], down: game.down[seat] };
}
