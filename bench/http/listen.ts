import type { Server } from "node:http"
import type { AddressInfo } from "node:net"

/** On a free port of the loopback; resolves with the port. */
export const listen = (server: Server): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once("error", reject)
    server.listen({ port: 0, host: "127.0.0.1", backlog: 2048 }, () => resolve((server.address() as AddressInfo).port))
  })
