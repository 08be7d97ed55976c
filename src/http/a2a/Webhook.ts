/**
 * Where an agent may be told to send its notifications. Whoever registers a webhook
 * makes the server call a URL of their choice, from where the server stands: on its
 * own machine, in its own network, beside the metadata of its cloud. So by default
 * only what is public may be named; section 13.2 of A2A asks for that.
 *
 * @since 0.1.0
 */

/**
 * Whether the host of a URL is not, by its name or address alone, one that only the
 * server's own machine or network reaches: `localhost`, names without a dot or below
 * `.local`, `.internal`, `.localdomain` and `.home.arpa`, and addresses that are
 * loopback, link-local, private, shared, multicast or reserved (IANA's special-purpose
 * registries), however they are written.
 *
 * ```ts
 * push: { allow: (url) => Webhook.isPublic(url) || url.host === "hooks.internal:8080" }
 * ```
 *
 * **Gotchas**
 *
 * No name is looked up: one that stands in public DNS may lead to a private address, now
 * or later, and a public server may redirect to one. Where that matters, name the hosts
 * that are allowed, or let a proxy or firewall decide where the server can call out to.
 *
 * @category guards
 * @since 0.1.0
 */
export const isPublic = ({ hostname }: URL): boolean => {
  // A URL has one way to write an address, and small letters.
  if (hostname.startsWith("[")) return isPublicV6(hostname.slice(1, -1))
  const host = hostname.endsWith(".") ? hostname.slice(0, -1) : hostname
  const bytes = /^(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(host)
  return bytes === null
    ? host.includes(".") && !ownNames.test(host)
    : isPublicV4(Number(bytes[1]), Number(bytes[2]), Number(bytes[3]))
}

const ownNames = /\.(?:localhost|localdomain|local|internal|home\.arpa)$/

const isPublicV4 = (first: number, second: number, third: number): boolean => {
  switch (first) {
    case 0:
    case 10:
    case 127:
      return false
    case 100:
      return second < 64 || second > 127
    case 169:
      return second !== 254
    case 172:
      return second < 16 || second > 31
    case 192:
      return second !== 168 && (second !== 0 || third !== 0)
    case 198:
      return second !== 18 && second !== 19
    default:
      return first < 224
  }
}

/** Global unicast, without what carries an address of IPv4 through a tunnel (Teredo and the like, 6to4). */
const isPublicV6 = (address: string): boolean => {
  const [first = 0, second = 0] = address.split(":").map((group) => Number.parseInt(group || "0", 16))
  if (first === 0x2001) return second >= 0x200
  return first >= 0x2000 && first < 0x4000 && first !== 0x2002
}
