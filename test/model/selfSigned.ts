// A certificate that nobody vouches for, made anew for each test: no key lies in the tree and none can expire.
// Called by tests that need a TLS server on loopback.

import { generateKeyPairSync, sign } from 'node:crypto';

const [INTEGER, BIT_STRING, OCTET_STRING, OID, UTF8, TIME, SEQUENCE, SET] = [0x02, 0x03, 0x04, 0x06, 0x0c, 0x18, 0x30, 0x31];

/** PEM for `https.createServer`: X.509 v3 (RFC 5280), ECDSA on P-256, for localhost and 127.0.0.1. */
export function selfSigned(): { readonly key: string; readonly cert: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const algorithm = der(SEQUENCE, der(OID, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02)); // ecdsa-with-SHA256
  const name = der(SEQUENCE, der(SET, der(SEQUENCE, der(OID, 0x55, 0x04, 0x03), der(UTF8, Buffer.from('localhost')))));
  const names = der(SEQUENCE, der(0x82, Buffer.from('localhost')), der(0x87, 127, 0, 0, 1));
  const extensions = der(SEQUENCE, der(SEQUENCE, der(OID, 0x55, 0x1d, 0x11), der(OCTET_STRING, names)));
  const valid = der(SEQUENCE, der(TIME, Buffer.from('20200101000000Z')), der(TIME, Buffer.from('20990101000000Z')));
  const key = publicKey.export({ type: 'spki', format: 'der' });
  const told = der(SEQUENCE, der(0xa0, der(INTEGER, 2)), der(INTEGER, 1), algorithm, name, valid, name, key, der(0xa3, extensions));
  const signed = der(SEQUENCE, told, algorithm, der(BIT_STRING, 0, sign('sha256', told, privateKey)));
  const cert = `-----BEGIN CERTIFICATE-----\n${signed.toString('base64').replace(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`;
  return { key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), cert };
}

/** Tag, length, value. */
function der(tag: number, ...parts: readonly (number | Buffer)[]): Buffer {
  const value = Buffer.concat(parts.map((part) => (typeof part === 'number' ? Buffer.from([part]) : part)));
  const { length } = value;
  const header = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...header]), value]);
}
