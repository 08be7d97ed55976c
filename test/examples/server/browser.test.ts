/** A real browser on the example's page: what an EventSource sees of a cancel, and what a newcomer sees. Real time. */
import { expect, layer } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Browser, Page } from "playwright-core"
import { call, type ServerProcess, startServer } from "./serverProcess.ts"
import { launchChromium } from "../../support/chromium.ts"

class Setup extends Context.Service<Setup, { readonly server: ServerProcess; readonly browser: Browser }>()(
  "test/Setup"
) {
  static readonly layer = Layer.effect(
    Setup,
    Effect.gen(function* () {
      const server = yield* startServer()
      const browser = yield* launchChromium
      return { server, browser }
    })
  )
}

/** The page at /, and everything that went wrong in it. */
const open = Effect.gen(function* () {
  const { browser, server } = yield* Setup
  const page = yield* Effect.acquireRelease(
    Effect.promise(() => browser.newPage()),
    (page) => Effect.promise(() => page.close())
  )
  const wrong: Array<string> = []
  page.on("pageerror", (error) => wrong.push(error.message))
  page.on("console", (message) => message.type() === "error" && wrong.push(message.text()))
  yield* Effect.promise(() => page.goto(server.url))
  return { page, server, wrong }
})

/** An EventSource of the browser; resolves when it has given up for good, with the data of its `cancelled` events. */
const cancelledIn = (
  page: Page,
  path: string
): Promise<{ readonly told: ReadonlyArray<any>; readonly state: number }> =>
  page.evaluate(
    (path) =>
      new Promise((resolve) => {
        const told: Array<unknown> = []
        const source = new EventSource(path)
        source.addEventListener("cancelled", (event) => told.push(JSON.parse((event as MessageEvent<string>).data)))
        // A browser reconnects when a stream ends. The server's 204 tells it to stay away for good.
        source.addEventListener("error", () => {
          if (source.readyState === EventSource.CLOSED) resolve({ told, state: source.readyState })
        })
      }),
    path
  )

layer(Setup.layer, { excludeTestServices: true })("The example in a browser", (it) => {
  it.effect(
    "an EventSource sees cancelled once, with message, reason and by, and does not come back after the end (S1-07, S1-57)",
    () =>
      Effect.gen(function* () {
        const { page, server } = yield* open
        const { json } = yield* call(`${server.url}/tasks/fetch-page`, { body: { url: `${server.origin}/stall` } })
        const watching = cancelledIn(page, json.links.events)
        yield* Effect.promise(() => page.waitForTimeout(200))
        yield* call(server.url + json.links.cancel, { body: { reason: { message: "Seen enough", by: "ann" } } })
        const { state, told } = yield* Effect.promise(() => watching)
        expect(told).toHaveLength(1)
        expect(told[0]).toMatchObject({ message: "Seen enough", reason: "request", by: "ann" })
        expect(state).toBe(2)
      })
  )

  it.effect("the page starts a task, shows its events as they come, and cancels it", () =>
    Effect.gen(function* () {
      const { page, wrong } = yield* open
      yield* Effect.promise(async () => {
        await page.getByRole("button", { name: "Start countdown" }).click()
        await page.getByRole("listitem").filter({ hasText: "progress" }).first().waitFor()
        await page.getByRole("button", { name: /^Cancel countdown-/ }).click()
        await page.getByRole("listitem").filter({ hasText: "cancelled" }).waitFor()
        await page.getByRole("row", { name: /^countdown-.* cancelled/ }).waitFor()
      })
      const status = yield* Effect.promise(() => page.getByRole("status").textContent())
      expect(status).toMatch(/^countdown-\w+ was cancelled: Not needed any more \(request by page\)$/)
      const first = yield* Effect.promise(() => page.getByRole("listitem").last().textContent())
      expect(first).toBe("started {}")
      expect(wrong).toEqual([])
    })
  )
})
