// Tokens as an application makes them (docs/TOKENS.md), with nothing but node:crypto.
import { createHmac, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { writeFileSync } from 'node:fs';

export const secret = 'a-secret-of-the-end-to-end-tests-0123456789';

export const seconds = () => Math.floor(Date.now() / 1000);

const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

// HS256. `claims.iat` and `claims.exp` are there unless they are told to be undefined.
export function makeToken(claims, key = secret) {
  const now = seconds();
  const all = { iat: now, exp: now + 3600, ...claims };
  const text = `${part({ alg: 'HS256', typ: 'JWT' })}.${part(all)}`;
  return `${text}.${createHmac('sha256', key).update(text).digest('base64url')}`;
}

// A key of its own: token(claims, kid), a PEM file of its public half, and that half as a JWK.
export function makeEs256() {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return {
    token(claims, kid) {
      const now = seconds();
      const header = { alg: 'ES256', typ: 'JWT', ...(kid === undefined ? {} : { kid }) };
      const text = `${part(header)}.${part({ iat: now, exp: now + 3600, ...claims })}`;
      const signature = sign('sha256', Buffer.from(text), {
        key: privateKey,
        dsaEncoding: 'ieee-p1363',
      });
      return `${text}.${signature.toString('base64url')}`;
    },
    writePem(path) {
      writeFileSync(path, publicKey.export({ type: 'spki', format: 'pem' }));
    },
    jwk(kid) {
      const half = createPublicKey(privateKey).export({ format: 'jwk' });
      return { ...half, kid, alg: 'ES256', use: 'sig' };
    },
  };
}
