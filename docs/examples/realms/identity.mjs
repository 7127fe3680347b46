// Who somebody is: a token that the site makes at the login, and the application verifies (a JSON
// Web Token, HS256). What a client says of itself beside it counts for nothing.
import { createHmac, timingSafeEqual } from 'node:crypto';

import { isUserId } from './places.mjs';

const goodSeconds = 12 * 3600;
const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
const sign = (text, secret) => createHmac('sha256', secret).update(text).digest('base64url');
const now = () => Math.floor(Date.now() / 1000);

export function makeToken(user, secret) {
  const claims = { sub: user, iat: now(), exp: now() + goodSeconds };
  const text = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}`;
  return `${text}.${sign(text, secret)}`;
}

// The user, or null: nobody says why, and nobody logs it, since a token is a secret.
export function userOf(token, secret) {
  const [head, claims, signature, ...more] = String(token ?? '').split('.');
  if (!signature || more.length > 0) return null;
  const good = Buffer.from(sign(`${head}.${claims}`, secret));
  const given = Buffer.from(signature);
  if (good.length !== given.length || !timingSafeEqual(good, given)) return null;
  try {
    const { alg } = JSON.parse(Buffer.from(head, 'base64url'));
    const { sub, exp } = JSON.parse(Buffer.from(claims, 'base64url'));
    return alg === 'HS256' && exp > now() && isUserId(sub) ? sub : null;
  } catch {
    return null;
  }
}
