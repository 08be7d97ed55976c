/** The client in a real browser: bundled, on a page of the server, over the browser's own fetch. Real time. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { count, wait } from "./probes.ts"
import { serving } from "./serving.ts"
import { browserBundle } from "../support/browserBundle.ts"
import { launchChromium } from "../support/chromium.ts"

/** What a page has in its script; `calls` is what the test calls. */
const script = `
  import { Effect, Stream } from "effect"
  import { FetchHttpClient } from "effect/http"
  import { TaskClient } from "rescind/http"
  import { Count, Wait } from "./test/http/probes.ts"
  const withClient = (use, signal) =>
    Effect.runPromise(TaskClient.make([Count, Wait]).pipe(Effect.flatMap(use), Effect.provide(FetchHttpClient.layer)), { signal })
  const leaving = new AbortController()
  globalThis.calls = {
    count: () => withClient((client) => Effect.gen(function* () {
      const task = yield* client.tasks.count.start({ to: 3, everyMillis: 5 })
      const events = yield* Stream.runCollect(task.watch())
      return events.map(({ seq, _tag }) => seq + " " + _tag)
    })),
    call: () => withClient((client) => client.tasks.count.call({ to: 4 })),
    wait: () => withClient((client) => client.tasks.wait.run({}, { id: "left" }), leaving.signal).catch(() => "left"),
    leave: () => leaving.abort()
  }
`

declare const calls: Record<"count" | "call" | "wait" | "leave", () => Promise<unknown>>

describe("TaskClient in a browser", () => {
  it.live("starts, watches, calls, and cancels what a page leaves", () =>
    serving({ tasks: [count, wait] }, (site) =>
      Effect.gen(function* () {
        const browser = yield* launchChromium
        const page = yield* Effect.promise(() => browser.newPage())
        const wrong: Array<string> = []
        page.on("pageerror", (error) => wrong.push(error.message))
        yield* Effect.promise(async () => {
          await page.goto(`${site.url}/tasks`)
          const [bundle] = await browserBundle(script, "iife")
          await page.addScriptTag({ content: bundle!.code })
        })
        expect(yield* Effect.promise(() => page.evaluate(() => calls.count()))).toEqual([
          "1 Started",
          "2 Output",
          "3 Output",
          "4 Output",
          "5 Completed"
        ])
        expect(yield* Effect.promise(() => page.evaluate(() => calls.call()))).toEqual({ sum: 10 })
        const waiting = page.evaluate(() => calls.wait())
        while ((yield* site.streams.count) === 0) yield* Effect.sleep(5)
        yield* Effect.promise(() => page.evaluate(() => calls.leave()))
        expect(yield* Effect.promise(() => waiting)).toBe("left")
        const left = yield* site.get("/tasks/left")
        expect(left.json).toMatchObject({ state: "cancelled", outcome: { reason: { source: "request" } } })
        expect(wrong).toEqual([])
      })
    )
  )
})
