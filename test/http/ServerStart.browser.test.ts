/** What an EventSource does by itself while a server starts. Real time: a browser waits three seconds to come back. */
import { createServer, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as ServerStart from "../../src/http/ServerStart.ts"
import { launchChromium } from "../support/chromium.ts"

describe("ServerStart in a browser", () => {
  it.live("S1x-02: an EventSource that comes while the server starts comes back when it has started", () =>
    Effect.gen(function* () {
      const starting = ServerStart.answered(createServer())
      let answered = 0
      const answer = (request: unknown, response: ServerResponse) => {
        response.on("finish", () => answered++)
        starting.emit("request", request, response)
      }
      // A listener on `starting` itself would be what it waits for.
      const server = yield* Effect.acquireRelease(
        Effect.callback<ReturnType<typeof createServer>>((resume) => {
          const server = createServer(answer).listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
        }),
        (server) =>
          Effect.sync(() => {
            server.closeAllConnections()
            server.close()
          })
      )
      const browser = yield* launchChromium
      yield* Effect.promise(async () => {
        const page = await browser.newPage()
        await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/health`)
        const before = answered
        await page.evaluate(() => {
          const told: Array<string> = []
          const source = new EventSource("/events")
          source.addEventListener("error", () => told.push(source.readyState === source.CLOSED ? "gone" : "waits"))
          source.addEventListener("end", ({ data }) => told.push(data))
          Object.assign(window, { told })
        })
        await page.waitForFunction(() => (window as any).told.length === 1)
        expect([answered - before, await page.evaluate(() => (window as any).told)]).toEqual([1, ["waits"]])
        starting.on("request", (_request, response: ServerResponse) =>
          response.writeHead(200, { "content-type": "text/event-stream" }).end("event: end\ndata: over\n\n")
        )
        await page.waitForFunction(() => (window as any).told.includes("over"))
      })
    })
  )
})
