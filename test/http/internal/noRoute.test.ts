import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { wait } from "../probes.ts"
import { serving } from "../serving.ts"

describe("noRoute", () => {
  it.live("a path that leads nowhere is 404, as a problem document", () =>
    serving({ tasks: [wait] }, (site) =>
      Effect.gen(function* () {
        for (const path of [
          "/",
          "/nowhere",
          "/tasks/w/cancel/now",
          `/tasks/${"x".repeat(101)}`,
          "/tasks/a/b?c=/tasks"
        ]) {
          const answer = yield* site.get(path)
          expect([path, answer.status]).toEqual([path, 404])
          expect(answer.headers.get("content-type")).toBe("application/problem+json")
          expect(answer.json.type).toBe("urn:rescind:problem:no-such-route")
        }
      })
    )
  )

  it.live("a method that a path does not have is 405 and says which it has", () =>
    serving({ tasks: [wait] }, (site) =>
      Effect.gen(function* () {
        for (const [method, path, allow] of [
          ["POST", "/tasks", "GET"],
          ["DELETE", "/tasks/w", "GET, POST"],
          ["GET", "/tasks/w/cancel", "POST"],
          ["PUT", "/tasks/w/events", "GET"],
          ["POST", "/tree?x=1", "GET"],
          ["POST", "/openapi.json", "GET"],
          ["POST", "/docs", "GET"]
        ] as const) {
          const answer = yield* site.request(path, { method })
          expect([path, answer.status, answer.headers.get("allow")]).toEqual([path, 405, allow])
          expect(answer.json.type).toBe("urn:rescind:problem:method-not-allowed")
        }
      })
    )
  )
})
