/** A collector of OpenTelemetry on a real socket: keeps what it is sent, as JSON where it is JSON. */
import { createServer, type IncomingHttpHeaders } from "node:http"
import type { AddressInfo } from "node:net"
import { gunzipSync } from "node:zlib"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

interface Received {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: any
}

export interface Collector {
  readonly url: string
  readonly received: ReadonlyArray<Received>
  /** Of all that was sent to this path. */
  readonly spans: () => ReadonlyArray<any>
  readonly metrics: () => ReadonlyArray<any>
  readonly logs: () => ReadonlyArray<any>
}

/** `answer` is the status that it answers with; `"never"` takes all and says nothing. */
export const collector = (answer: number | "never" = 200): Effect.Effect<Collector, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.callback<Collector & { readonly close: () => void }>((resume) => {
      const received: Array<Received> = []
      const server = createServer((request, response) => {
        const parts: Array<Buffer> = []
        request.on("error", () => {})
        request.on("data", (part: Buffer) => parts.push(part))
        request.on("end", () => {
          const bytes = Buffer.concat(parts)
          const plain = request.headers["content-encoding"] === "gzip" ? gunzipSync(bytes) : bytes
          const json = request.headers["content-type"] === "application/json"
          received.push({
            path: request.url!,
            headers: request.headers,
            body: json ? JSON.parse(plain.toString()) : plain
          })
          if (answer !== "never") response.writeHead(answer, { "content-type": "application/json" }).end("{}")
        })
      }).listen(0, "127.0.0.1", () => {
        const all = (path: string, ...keys: ReadonlyArray<string>) =>
          keys.reduce<ReadonlyArray<any>>(
            (found, key) => found.flatMap((one) => one[key]),
            received.filter((one) => one.path.endsWith(path)).map(({ body }) => body)
          )
        resume(
          Effect.succeed({
            url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
            received,
            spans: () => all("/v1/traces", "resourceSpans", "scopeSpans", "spans"),
            metrics: () => all("/v1/metrics", "resourceMetrics", "scopeMetrics", "metrics"),
            logs: () => all("/v1/logs", "resourceLogs", "scopeLogs", "logRecords"),
            close: () => {
              server.closeAllConnections()
              server.close()
            }
          })
        )
      })
    }),
    ({ close }) => Effect.sync(close)
  )

/** `[{ key, value: { stringValue } }]` as a record. */
export const plain = (attributes: ReadonlyArray<any>): Record<string, unknown> =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]))
