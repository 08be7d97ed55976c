/**
 * The page in a real browser: three EventSource clients on one task through start, cancel, reload and a restart of the
 * server; and what an EventSource does by itself. Real time. With `SCREENSHOTS=<folder>` it leaves pictures there.
 */
import { expect, layer } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as net from "node:net"
import * as path from "node:path"
import type { Browser, Page } from "playwright-core"
import { eventually } from "../server/fetchEventually.ts"
import { call, type ServerProcess } from "../server/serverProcess.ts"
import { create, folder, startService } from "./serviceProcess.ts"
import { launchChromium } from "../../support/chromium.ts"

class Setup extends Context.Service<Setup, { readonly browser: Browser; readonly home: string }>()("test/Setup") {
  static readonly layer = Layer.effect(
    Setup,
    Effect.gen(function* () {
      const browser = yield* launchChromium
      return { browser, home: yield* folder }
    })
  )
}

/** One that is free now, for a server that must come back under the same address. */
const freePort = Effect.promise(
  () =>
    new Promise<number>((resolve) => {
      const server = net.createServer().listen(0, "127.0.0.1", () => {
        const { port } = server.address() as net.AddressInfo
        server.close(() => resolve(port))
      })
    })
)

const open = (server: ServerProcess, hash = "") =>
  Effect.gen(function* () {
    const { browser } = yield* Setup
    const page = yield* Effect.acquireRelease(
      Effect.promise(() => browser.newPage({ viewport: { width: 1100, height: 760 } })),
      (page) => Effect.promise(() => page.close())
    )
    const wrong: Array<string> = []
    page.on("pageerror", (error) => wrong.push(error.message))
    page.on("console", (message) => message.type() === "error" && wrong.push(message.text()))
    yield* Effect.promise(() => page.goto(server.url + hash))
    return { page, wrong }
  })

const picture = (page: Page, name: string) =>
  Effect.promise(async () => {
    const to = process.env["SCREENSHOTS"]
    if (to !== undefined) await page.screenshot({ path: path.join(to, `${name}.png`) })
  })

/** What each of the three clients shows: its state, and the names of its events. */
const shown = (
  page: Page
): Promise<ReadonlyArray<{ readonly state: string; readonly events: ReadonlyArray<string> }>> =>
  page.evaluate(() =>
    Array.from(document.querySelectorAll("#clients section"), (section) => ({
      state: section.querySelector("p")!.textContent,
      events: Array.from(section.querySelectorAll("li"), (li) => li.className)
    }))
  )

const status = (page: Page) => page.getByRole("status").textContent()

const serve = (
  PORT?: number,
  more: Record<string, string> = {}
): Effect.Effect<ServerProcess, never, Setup | Scope.Scope> =>
  Effect.flatMap(Setup, ({ home }) =>
    startService({
      ...more,
      DATABASE: path.join(home, `${PORT ?? "any"}.sqlite`),
      ...(PORT === undefined ? {} : { PORT: String(PORT), ORIGIN_PORT: "0" })
    })
  )

layer(Setup.layer, { excludeTestServices: true, timeout: 120_000 })("The task service in a browser", (it) => {
  it.effect(
    "S1-11 S1-57: three EventSource clients follow one task through start, cancel, reload, retry and a restart",
    () =>
      Effect.gen(function* () {
        const port = yield* freePort
        const first = yield* serve(port)
        const { page, wrong } = yield* open(first)
        yield* Effect.promise(async () => {
          await page.getByLabel("Model").selectOption("ContinueTask")
          await page.getByRole("button", { name: "Start a new task" }).click()
          await page.waitForFunction(() => document.querySelectorAll("li.progress").length === 3)
        })
        yield* picture(page, "1-started")
        expect(yield* Effect.promise(() => shown(page))).toEqual(
          Array.from({ length: 3 }, () => ({ state: "connected", events: ["start", "progress"] }))
        )

        yield* Effect.promise(async () => {
          await page.getByRole("button", { name: "Cancel" }).click()
          await page.waitForFunction(() => document.querySelectorAll("li.cancelled").length === 3)
          await page.getByRole("status").filter({ hasText: "cancelled, attempt 1" }).waitFor()
        })
        yield* picture(page, "2-cancelled")
        expect(yield* Effect.promise(() => shown(page))).toEqual(
          Array.from({ length: 3 }, () => ({ state: "cancelled", events: ["start", "progress", "cancelled"] }))
        )
        expect(yield* Effect.promise(() => status(page))).toBe(
          'cancelled, attempt 1, cancellation_reason "Cancelled on the page"'
        )

        // A reload of what has ended shows how it ended, and starts nothing.
        yield* Effect.promise(async () => {
          await page.reload()
          await page.getByRole("status").filter({ hasText: "cancelled, attempt 1" }).waitFor()
        })
        yield* picture(page, "3-reloaded")
        expect(yield* Effect.promise(() => shown(page))).toEqual([])

        yield* Effect.promise(async () => {
          await page.getByRole("button", { name: "Retry" }).click()
          await page.waitForFunction(() => document.querySelectorAll("li.progress").length === 3)
          await page.getByRole("status").filter({ hasText: "running, attempt 2" }).waitFor()
          // A reload of what runs joins it, from its first event on.
          await page.reload()
          await page.waitForFunction(() => document.querySelectorAll("li.progress").length === 3)
        })
        yield* picture(page, "4-retried-and-reloaded")

        // The server goes: every client is told, and none of them comes back to start it again.
        first.kill("SIGTERM")
        yield* first.exited
        yield* Effect.promise(() => page.waitForFunction(() => document.querySelectorAll("li.cancelled").length === 3))
        yield* picture(page, "5-server-gone")
        expect(yield* Effect.promise(() => status(page))).toBe("cancelled Task was cancelled")
        expect(yield* Effect.promise(() => page.getByRole("button", { name: "Cancel" }).isDisabled())).toBe(true)
        expect((yield* Effect.promise(() => shown(page)))[0]!.events).toEqual([
          "start",
          "progress",
          "shutdown",
          "cancelled"
        ])
        expect(wrong.filter((message) => !/ERR_CONNECTION_REFUSED|Failed to load resource/.test(message))).toEqual([])

        const second = yield* serve(port)
        yield* Effect.promise(async () => {
          await page.reload()
          await page.getByRole("status").filter({ hasText: "cancelled, attempt 2" }).waitFor()
        })
        yield* picture(page, "6-after-the-restart")
        expect(yield* Effect.promise(() => status(page))).toBe('cancelled, attempt 2, cancellation_reason "shutdown"')

        yield* Effect.promise(async () => {
          await page.getByRole("button", { name: "Retry" }).click()
          await page.waitForFunction(() => document.querySelectorAll("li.progress").length === 3)
          await page.getByRole("button", { name: "Continue" }).click()
          await page.waitForFunction(() => document.querySelectorAll("li.complete").length === 3)
          await page.getByRole("status").filter({ hasText: "completed, attempt 3" }).waitFor()
        })
        yield* picture(page, "7-completed")
        expect(second.stderr()).toContain("Task samples:ContinueTask:1 is retried")
      })
  )

  it.effect("S1x-40: with tokens the page asks for one, and its EventSources come with it", () =>
    Effect.gen(function* () {
      const port = yield* freePort
      const server = yield* serve(port, { TASK_TOKENS: "ann=ann-ann-ann-ann-ann" })
      const { page } = yield* open(server)
      const enter = (token: string) =>
        Effect.promise(async () => {
          await page.getByLabel("Token").fill(token)
          await page.getByRole("button", { name: "Enter" }).click()
        })
      const said = (text: string) => Effect.promise(() => page.getByRole("status").filter({ hasText: text }).waitFor())
      yield* said("Which token do you have?")
      yield* picture(page, "8-token")
      yield* enter("bob-bob-bob-bob-bob")
      yield* said("This token is not known")
      yield* enter("ann-ann-ann-ann-ann")
      yield* Effect.promise(async () => {
        await page.getByLabel("Token").waitFor({ state: "hidden" })
        await page.getByLabel("Model").selectOption("ContinueTask")
        await page.getByRole("button", { name: "Start a new task" }).click()
        await page.waitForFunction(() => document.querySelectorAll("li.progress").length === 3)
        await page.getByRole("button", { name: "Cancel" }).click()
        await page.getByRole("status").filter({ hasText: "cancelled, attempt 1" }).waitFor()
      })
      expect(yield* Effect.promise(() => page.evaluate(() => document.cookie))).toBe("")
      const [cookie] = yield* Effect.promise(() => page.context().cookies())
      expect(cookie).toMatchObject({ name: "task_token", httpOnly: true, sameSite: "Strict" })
    })
  )

  it.effect(
    "a page out of sight holds no connection, follows again when it is back, and goes where its address says",
    () =>
      Effect.gen(function* () {
        const server = yield* serve()
        const { page } = yield* open(server)
        const streams = Effect.map(Effect.orDie(call(`${server.url}/health`)), ({ json }) => json.streams)
        const show = (state: string) =>
          Effect.promise(() =>
            page.evaluate((state) => {
              Object.defineProperty(document, "visibilityState", { value: state, configurable: true })
              document.dispatchEvent(new Event("visibilitychange"))
            }, state)
          )
        const [one, two] = [yield* create(server, "ContinueTask"), yield* create(server, "ContinueTask")]
        const at = (task: { readonly id: number }) =>
          Effect.promise(async () => {
            await page.evaluate((id) => (location.hash = `samples/ContinueTask/${id}`), task.id)
            await page.getByRole("heading", { name: `samples:ContinueTask:${task.id}` }).waitFor()
            await page.waitForFunction(() => document.querySelectorAll("li.progress").length === 3)
          })
        yield* at(one)
        yield* at(two)
        yield* eventually(streams, (count) => count === 3)
        yield* show("hidden")
        yield* eventually(streams, (count) => count === 0)
        yield* show("visible")
        yield* eventually(streams, (count) => count === 3)

        // Whoever clicks when the server is gone is told.
        server.kill("SIGKILL")
        yield* server.exited
        yield* Effect.promise(async () => {
          await page.getByRole("button", { name: "Start a new task" }).click()
          await page.getByRole("status").filter({ hasText: "The server does not answer; try again." }).waitFor()
        })
      })
  )

  it.effect(
    "S1x-02: an EventSource whose server is killed and restarted comes back, is told the end, and starts nothing",
    () =>
      Effect.gen(function* () {
        const port = yield* freePort
        const first = yield* serve(port)
        const { page } = yield* open(first)
        const task = yield* create(first, "ExampleTask", { step_millis: 60_000 })
        yield* Effect.promise(() =>
          page.evaluate((url) => {
            const told: Array<string> = []
            const source = new EventSource(url)
            for (const name of ["start", "cancelled", "task-error"])
              source.addEventListener(name, () => told.push(name))
            Object.assign(window, { told, source })
          }, new URL(task.stream).pathname)
        )
        yield* Effect.promise(() => page.waitForFunction(() => (window as any).told.length === 1))
        first.kill("SIGKILL")
        yield* first.exited
        const second = yield* serve(port)
        yield* Effect.promise(() =>
          page.waitForFunction(() => (window as any).source.readyState === EventSource.CLOSED)
        )
        expect(yield* Effect.promise(() => page.evaluate(() => (window as any).told))).toEqual(["start", "task-error"])
        const { json } = yield* call(task.status.replace(first.url, second.url))
        expect(json).toMatchObject({ status: "failed", attempts: 1, error: { error_type: "ServerStopped" } })
      })
  )

  it.effect(
    "S1x-02 S1x-03 S1-79: an EventSource reads cancelled once, its own error is told apart, and it stays away",
    () =>
      Effect.gen(function* () {
        const server = yield* serve()
        const { page } = yield* open(server)
        const task = yield* create(server, "ExampleTask", { step_millis: 60_000 })
        yield* Effect.promise(() =>
          page.evaluate((url) => {
            const told: Array<string> = []
            const source = new EventSource(url)
            for (const name of ["start", "cancelled", "task-error", "error"]) {
              source.addEventListener(name, (event) => told.push(event instanceof MessageEvent ? name : `own ${name}`))
            }
            Object.assign(window, { told, source })
          }, new URL(task.stream).pathname)
        )
        yield* Effect.promise(() => page.waitForFunction(() => (window as any).told.length === 1))
        yield* call(task.cancel, { body: {} })
        yield* Effect.promise(() =>
          page.waitForFunction(() => (window as any).source.readyState === EventSource.CLOSED)
        )
        // One error when the stream ended and it went to come back, one when it was told not to.
        expect(yield* Effect.promise(() => page.evaluate(() => (window as any).told))).toEqual([
          "start",
          "cancelled",
          "own error",
          "own error"
        ])
        expect((yield* call(task.status)).json).toMatchObject({ status: "cancelled", attempts: 1 })
      })
  )
})
