// Which hosts lie on this machine or in private networks. Asked of what a conversation names (messageParts.ts) and of what a
// name turns out to stand for (run/download.ts): who writes a conversation is often a page, and must not have a server read
// from its own network.

/** A host of a URL, or an IP address. What a name stands for is not looked up. Pure. */
export function isPrivateHost(given: string): boolean {
  const host = given.toLowerCase().replace(/\.+$/, '');
  if (host === '' || host === 'localhost' || /\.(?:localhost|local|internal)$/.test(host)) return true;
  if (host.includes(':')) return isPrivateV6(host.replace(/^\[|\]$/g, ''));
  const [a = -1, b = -1, c, d] = /^[\d.]+$/.test(host) ? host.split('.').map(Number) : [];
  if (d === undefined || c === undefined) return false;
  if (a === 0 || a === 10 || a === 127 || a >= 224) return true;
  return (
    (a === 100 && b >= 64 && b <= 127) ||
    (a === 169 && b === 254) ||
    (a === 172 && b >= 16 && b <= 31) ||
    (a === 192 && (b === 168 || b === 0)) ||
    (a === 198 && (b === 18 || b === 19))
  );
}

/** Public ones begin with 2 or 3; of these, some are documentation's, and some hold an IPv4 address. */
function isPrivateV6(host: string): boolean {
  const [first = ''] = host.split(':');
  return !/^[23][\da-f]{3}$/.test(first) || /^(?:2001:0?db8:|2002:|2001:0?:|3fff:)/.test(host);
}
