// Fetches files that models do not take by their address. Runs are given it with their other ports (enter.ts).
//
// D1 what a conversation names is fetched from the public network alone: each name that is asked for, also by a redirect, is
//    looked up once, and what was looked up is what is connected to.
// D2 a redirect out of the public network into a private one is refused, whoever named the address.

import { lookup } from 'node:dns';
import { get, type IncomingMessage, type RequestOptions } from 'node:http';
import { get as getSecurely } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { AmdahlError, describe } from '../agent/errors.ts';
import { isPrivateHost } from '../agent/privateHost.ts';
import type { Download } from './files.ts';

const DOWNLOAD_MS = 60_000;
const REDIRECTS_MAX = 10;

/** Rejects with FILE_UNREADABLE. */
export const systemDownload: Download = async (url, { bytesMax, isPublic }) => {
  const failed = (why: string, cause?: unknown): AmdahlError =>
    new AmdahlError('FILE_UNREADABLE', `The file ${url.href} cannot be fetched: ${why}.`, { retryable: 'yes', cause });
  const signal = AbortSignal.timeout(DOWNLOAD_MS);
  try {
    const response = await follow(url, isPublic, signal);
    const { statusCode = 0, headers } = response;
    if (statusCode < 200 || statusCode > 299) throw failed(`its server answered ${statusCode}`);
    if (headers['content-encoding'] !== undefined && headers['content-encoding'] !== 'identity')
      throw failed(`its server sends it as ${headers['content-encoding']}, which nobody asked for`);
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of response as AsyncIterable<Buffer>) {
      bytes += chunk.byteLength;
      if (bytes > bytesMax) throw failed(`it has more than the ${bytesMax} bytes of limits.fileBytes`);
      chunks.push(chunk);
    }
    const mediaType = headers['content-type']?.split(';')[0]?.trim();
    return { bytes: new Uint8Array(Buffer.concat(chunks)), mediaType: mediaType === '' ? undefined : mediaType };
  } catch (thrown) {
    if (thrown instanceof AmdahlError) throw thrown;
    throw failed(signal.aborted ? `it took longer than ${DOWNLOAD_MS / 1_000} s` : describe(thrown), thrown);
  }
};

/** The answer behind all redirects; whoever breaks off its body closes the connection. */
async function follow(first: URL, isPublic: boolean, signal: AbortSignal): Promise<IncomingMessage> {
  let url = first;
  let wasPublic = isPublic;
  for (let redirects = 0; redirects <= REDIRECTS_MAX; redirects += 1) {
    const response = await ask(url, wasPublic, signal);
    const { statusCode = 0, headers, socket } = response;
    if (statusCode < 301 || statusCode > 308 || statusCode === 304 || headers.location === undefined) return response;
    const from = socket.remoteAddress?.replace(/^::ffff:(?=[\d.]+$)/, '');
    wasPublic ||= from === undefined || !isPrivateHost(from);
    response.destroy();
    url = new URL(headers.location, url);
    if (url.protocol !== 'http:' && url.protocol !== 'https:') throw new Error(`it redirects to ${url.protocol}`);
  }
  throw new Error(`it redirects more than ${REDIRECTS_MAX} times`);
}

function ask(url: URL, isPublic: boolean, signal: AbortSignal): Promise<IncomingMessage> {
  // An address is not looked up.
  if (isPublic && isPrivateHost(url.hostname)) throw privateOne(url.hostname);
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const headers = { 'user-agent': 'amdahl', accept: '*/*', 'accept-encoding': 'identity' };
  // A connection of its own: one that is kept may be to somewhere else than what was looked up.
  const options: RequestOptions = { agent: false, signal, headers, ...(isPublic ? { lookup: publicOnly } : {}) };
  (url.protocol === 'https:' ? getSecurely : get)(url, options, resolve).on('error', reject);
  return promise;
}

const publicOnly: LookupFunction = (host, options, done) => {
  lookup(host, { ...options, all: true }, (error, found) => {
    const [one] = found ?? [];
    if (error !== null || one === undefined) return done(error ?? new Error(`nobody knows ${host}`), '');
    if (found.some(({ address }) => isIP(address) === 0 || isPrivateHost(address))) return done(privateOne(host), '');
    if (options.all === true) done(null, found);
    else done(null, one.address, one.family);
  });
};

function privateOne(host: string): Error {
  return new Error(`${host} is no public address`);
}
