// What nats-servers and their users are known by: certificates made with openssl, users' keys and
// JWTs. Everything lies in a folder that is removed when the test file ends.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { createAccount, createOperator, createUser } from 'nkeys.js';

const folder = mkdtempSync(join(tmpdir(), 'millrace-nats-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
let files = 0;

// The path of a new file, or of `name` again.
export function secretFile(text, name = `secret-${++files}`, mode = 0o600) {
  const path = join(folder, name);
  writeFileSync(path, text, { mode });
  return path;
}

const openssl = (...args) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });

// {ca, cert, key}: paths. The server's names are those of `names`, such as 'DNS:nats.test'.
export class Authority {
  constructor(name) {
    this.name = name;
    this.ca = join(folder, `${name}.pem`);
    const key = ['-newkey', 'ed25519', '-nodes', '-keyout', `${name}.key`];
    openssl('req', '-x509', ...key, '-out', this.ca, '-days', '2', '-subj', `/CN=${name}`);
  }

  issue(subject, names) {
    const [key, request, cert] = ['key', 'csr', 'pem'].map((end) => `${subject}.${end}`);
    const make = ['-newkey', 'ed25519', '-nodes', '-keyout', key, '-out', request];
    openssl('req', ...make, '-subj', `/CN=${subject}`);
    const extensions = secretFile(`subjectAltName=${names}\n`, `${subject}.ext`);
    const by = ['-CA', this.ca, '-CAkey', `${this.name}.key`, '-CAcreateserial'];
    openssl('x509', '-req', '-in', request, ...by, '-out', cert, '-days', '2',
      '-extfile', extensions);
    return { ca: this.ca, cert: join(folder, cert), key: join(folder, key) };
  }
}

const text = (bytes) => Buffer.from(bytes).toString();

// {key, seed} of a new NKey user.
export function nkeyUser() {
  const user = createUser();
  return { key: user.getPublicKey(), seed: text(user.getSeed()) };
}

const encoded = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

function jwt(signer, subject, name, nats, more = {}) {
  const claims = {
    iat: Math.floor(Date.now() / 1000),
    iss: signer.getPublicKey(),
    name,
    sub: subject,
    nats: { ...nats, version: 2 },
    ...more,
  };
  claims.jti = createHash('sha256').update(JSON.stringify(claims)).digest('hex');
  const body = `${encoded({ typ: 'JWT', alg: 'ed25519-nkey' })}.${encoded(claims)}`;
  return `${body}.${Buffer.from(signer.sign(Buffer.from(body))).toString('base64url')}`;
}

const unlimited = { subs: -1, data: -1, payload: -1 };

// An operator with one account, as decentralised authentication has it.
export class Operator {
  constructor() {
    this.operator = createOperator();
    this.account = createAccount();
    const limits = { ...unlimited, imports: -1, exports: -1, wildcards: true, conn: -1, leaf: -1 };
    const accountKey = this.account.getPublicKey();
    const key = this.operator.getPublicKey();
    // Lines of a nats-server's configuration.
    this.config = `operator: ${jwt(this.operator, key, 'O', { type: 'operator' })}
resolver: MEMORY
resolver_preload: {
  ${accountKey}: ${jwt(this.operator, accountKey, 'A', { type: 'account', limits })}
}`;
  }

  // What stands in a .creds file. `seconds`: how long the user is good.
  credentials(seconds = null) {
    const user = createUser();
    const until = seconds === null ? {} : { exp: Math.floor(Date.now() / 1000) + seconds };
    const claims = { pub: {}, sub: {}, ...unlimited, type: 'user' };
    const token = jwt(this.account, user.getPublicKey(), 'millrace', claims, until);
    const seed = text(user.getSeed());
    return {
      token,
      seed,
      file: `-----BEGIN NATS USER JWT-----\n${token}\n------END NATS USER JWT------\n\n` +
        `-----BEGIN USER NKEY SEED-----\n${seed}\n------END USER NKEY SEED------\n`,
    };
  }
}
