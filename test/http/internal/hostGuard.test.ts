import { request } from "node:http"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { hostGuard } from "../../../src/http/internal/hostGuard.ts"
import { wait } from "../probes.ts"
import { serving, type Site } from "../serving.ts"

/** `fetch` does not let one choose the host. */
const from = (site: Site, host: string | undefined, path = "/tasks", method = "GET"): Effect.Effect<number> =>
  Effect.callback((resume) => {
    const asked = request(
      site.url + path,
      { method, setHost: false, headers: host === undefined ? {} : { host } },
      (answer) => {
        answer.resume().on("end", () => resume(Effect.succeed(answer.statusCode!)))
      }
    ).end()
    return Effect.sync(() => asked.destroy())
  })

describe("hostGuard", () => {
  it.live("with a list of hosts, a request under another is 421 on every route, so that no name can be rebound", () =>
    serving({ tasks: [wait], hosts: ["tasks.example", "localhost:3000", "[::1]"] }, (site) =>
      Effect.gen(function* () {
        for (const host of [
          "tasks.example",
          "TASKS.example",
          "tasks.example:8443",
          "localhost:3000",
          "[::1]",
          "[::1]:80"
        ]) {
          expect([host, yield* from(site, host)]).toEqual([host, 200])
        }
        for (const host of [
          "evil.example",
          "localhost",
          "localhost:3001",
          "tasks.example.evil.example",
          "x.tasks.example",
          ""
        ]) {
          for (const path of ["/tasks", "/tasks/wait", "/openapi.json", "/docs", "/tree", "/none"]) {
            expect([host, path, yield* from(site, host, path)]).toEqual([host, path, 421])
          }
          expect(yield* from(site, host, "/tasks/wait", "POST")).toBe(421)
        }
        expect(yield* site.tasks.list).toEqual([])
        // Probes ask by address.
        for (const path of ["/health", "/ready?full"]) expect(yield* from(site, "10.0.0.7", path)).not.toBe(421)
        expect(yield* from(site, "10.0.0.7", "/health/../tasks")).toBe(421)
        const { json, headers } = yield* site.get("/tasks")
        expect(headers.get("content-type")).toBe("application/problem+json")
        expect(json).toMatchObject({ type: "urn:rescind:problem:misdirected", status: 421 })
      })
    )
  )

  it.live("without one, any host will do", () =>
    serving({ tasks: [wait] }, (site) =>
      Effect.gen(function* () {
        expect(yield* from(site, "evil.example")).toBe(200)
      })
    )
  )

  it("what is no host is refused with how to write it", () => {
    for (const host of [
      "",
      "*",
      "*.example",
      "https://tasks.example",
      "tasks.example/",
      "tasks.example:port",
      "[::1",
      "a b"
    ]) {
      expect(() => hostGuard(["localhost", host])).toThrow(`hosts: ${JSON.stringify(host)} is no host`)
    }
  })
})
