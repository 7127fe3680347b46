// What configurations of several tests have in common, as texts.
import { secret } from './tokens.mjs';

export const tokenKeys = `
[token]
hmac_secret = "${secret}"
`;

// Anybody gets in, and who has a token is somebody.
export const anonymousToo = `
[server]
allow_anonymous = true
${tokenKeys}`;

// Rights of a namespace, for clients of both kinds.
export const everybody = (...words) =>
  words.map((word) => `allow_${word} = ["client", "anonymous"]\n`).join('');

// Who has a token subscribes, and recovers what it missed.
export const recoverable = `${tokenKeys}
[namespaces.default]
history_size = 100
history_ttl = "60s"
delivery = "recoverable"
allow_subscribe = ["client"]
`;
