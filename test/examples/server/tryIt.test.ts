/** The newcomer's terminal: every line that the example prints is run as it was printed, by a shell, in order. */
import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { execFile, execFileSync } from "node:child_process"
import { startServer } from "./serverProcess.ts"

const curl = execFileSync("sh", ["-c", "command -v curl || true"], { encoding: "utf8" }) !== ""

const shell = (line: string): Effect.Effect<string> =>
  Effect.promise(
    () =>
      new Promise((resolve, reject) => {
        execFile("sh", ["-c", line], { timeout: 50_000 }, (error, stdout) => (error ? reject(error) : resolve(stdout)))
      })
  )

it.live.skipIf(!curl)("the printed lines work as they stand, also a second time (real time)", () =>
  Effect.gen(function* () {
    const server = yield* startServer()
    const lines = server.stdout().match(/^ {2}curl .*$/gm) ?? []
    expect(lines).toHaveLength(13)
    const [
      fetch,
      followPage,
      cancelPage,
      race,
      followRace,
      gather,
      followPages,
      count,
      followCount,
      mule,
      cancelMule,
      list,
      tree
    ] = lines as [
      string,
      string,
      string,
      string,
      string,
      string,
      string,
      string,
      string,
      string,
      string,
      string,
      string
    ]
    for (const attempt of [1, 2]) {
      expect(JSON.parse(yield* shell(fetch))).toMatchObject({ id: "page", attempt })
      const [events, answer] = yield* Effect.all([shell(followPage), Effect.delay(shell(cancelPage), 300)], {
        concurrency: 2
      })
      expect(events).toMatch(/event: cancelled\ndata: .*"Seen enough"/)
      expect(JSON.parse(answer)).toMatchObject({ _tag: "Cancelled", reason: { by: "you" } })
    }
    const starts = yield* Effect.forEach([race, gather, count, mule], shell)
    expect(starts.map((text) => JSON.parse(text).id)).toEqual(["race", "pages", "count", "mule"])
    // While the mule, which is given up on after 2 seconds, has not yet come to its own end after 30.
    const stubborn = yield* shell(cancelMule)
    expect(yield* shell(tree)).toMatch(/stragglers\n.*mule/)
    const [raced, gathered, counted] = yield* Effect.all([followRace, followPages, followCount].map(shell), {
      concurrency: 3
    })
    expect(raced).toMatch(/event: completed\ndata: .*"winner".*mirror=fast.*"losers":\[.*"lost-race"/)
    expect(gathered).toMatch(/event: completed\ndata: .*"arrived":\[\{.*"failed":\[\{.*"cancelled":\[\{/)
    expect(counted).toMatch(/event: completed/)
    expect(JSON.parse(stubborn)).toMatchObject({ _tag: "Cancelled", how: "abandoned" })
    expect(JSON.parse(yield* shell(list)).tasks).toHaveLength(5)
  })
)
