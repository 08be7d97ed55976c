/** The names under which a server is reached that listens for this machine alone; undefined if it listens for others. */
export const localHosts = (host: string): ReadonlyArray<string> | undefined =>
  /^(127\.[\d.]+|::1|localhost)$/.test(host)
    ? ["localhost", "127.0.0.1", "[::1]", host.includes(":") ? `[${host}]` : host]
    : undefined
