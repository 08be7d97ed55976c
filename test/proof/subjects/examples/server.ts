/** The tasks of the example server, as `Tasks` runs them, on a web that is faked. */
import assert from "node:assert/strict"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { Tasks, type TaskOutcome } from "rescind/fibers"
import { Ledger, type Trial } from "rescind/testing"
import { all } from "../../../../src/examples/server/tasks/all.ts"
import { OriginUrl } from "../../../../src/examples/server/tasks/HttpUrl.ts"
import type { Implementation } from "../../../../src/http/TaskDefinition.ts"
import { startTask } from "../../../examples/server/startTask.ts"
import { onFakeWeb, type Site } from "../../fakeWeb.ts"
import { completes, wasGivenUp } from "../../laws.ts"
import type { Subject } from "../../Subject.ts"

const sites: { readonly [path: string]: Site } = {
  "/page": { status: 200, chunks: 2, every: 2, headers: { "content-length": "20" } },
  "/slow": { status: 200, chunks: 9, every: 3 },
  "/moved": { status: 302, chunks: 0, every: 0, headers: { location: "/page" } },
  "/fail": { status: 503, chunks: 0, every: 0 },
  "/refused": "refused",
  "/hangs": "hangs"
}

const at = (path: string): string => `http://origin.test${path}`

const named = (name: string): Implementation<OriginUrl> => all.find(({ definition }) => definition.name === name)!

/** Runs it as the server does: by id, in the layer's own nursery. */
const served = (name: string, payload: unknown): Effect.Effect<TaskOutcome.TaskOutcome<any, any>, never, Scope.Scope> =>
  Effect.gen(function* () {
    yield* startTask(named(name), payload)
    return (yield* (yield* Tasks).await("task")) as TaskOutcome.TaskOutcome<any, any>
  }).pipe(Effect.orDie, Effect.provide(Tasks.layer()), Effect.provideService(OriginUrl, at("")), onFakeWeb(sites))

/** Every socket has closed: not later than the task, and in the order of its fetches. */
const socketsClose = (trial: Trial.Trial): void => {
  if (trial.outcome === undefined || wasGivenUp(trial)) return
  assert.ok(trial.ledger.opened.every(({ released }) => released === 1))
}

/** Of one fetch at most one socket is open at a time. */
const oneAtATime = ({ ledger }: Trial.Trial): void => {
  let open = 0
  for (const line of ledger.journal) {
    if (line.endsWith(" opened socket")) open++
    else if (line.endsWith(" closed socket")) open--
    assert.ok(open <= 1, "the socket of a hop is kept beside the next one")
  }
}

const value = ({ outcome }: Trial.Trial<any>): any => {
  return outcome?._tag === "Completed" && outcome.value._tag === "Completed" ? outcome.value.value : undefined
}

const runs = { everywhere: { maxRuns: 500 }, explore: { runs: 150 } } as const

const fetches: Subject = {
  name: "fetch-page follows a redirect and reads the body, and a cancel closes its socket",
  covers: [],
  laws: ["K1", "K15"],
  ...runs,
  program: served("fetch-page", { url: at("/moved") }),
  invariant: (trial) => {
    socketsClose(trial)
    oneAtATime(trial)
    if (trial.cancelled === undefined) assert.deepEqual([value(trial)?.bytes, value(trial)?.url], [20, at("/page")])
  }
}

const races: Subject = {
  name: "race-mirrors takes the first mirror, closes the others' sockets and reports each by its URL",
  covers: [],
  laws: ["K1", "K24"],
  ...runs,
  program: served("race-mirrors", { urls: [at("/slow"), at("/fail"), at("/refused"), at("/page"), at("/hangs")] }),
  invariant: (trial) => {
    socketsClose(trial)
    const won = value(trial)
    if (trial.cancelled !== undefined) return
    assert.equal(won.winner, at("/page"))
    assert.deepEqual(
      won.losers.map(({ end, url }: { end: string; url: string }) => [url.slice(at("").length), end]),
      [
        ["/slow", "cancelled"],
        ["/fail", "failed"],
        ["/refused", "failed"],
        ["/hangs", "cancelled"]
      ]
    )
  }
}

const gathers: Subject = {
  name: "gather returns at its deadline what has arrived, what failed and what it cancelled, each URL once",
  covers: [],
  laws: ["K1", "K31"],
  ...runs,
  program: served("gather", { urls: [at("/page"), at("/slow"), at("/fail"), at("/hangs")], within: 12 }),
  invariant: (trial) => {
    socketsClose(trial)
    const report = value(trial)
    if (report === undefined) return assert.ok(trial.cancelled !== undefined)
    const urls = [...report.arrived, ...report.failed, ...report.cancelled].map(({ url }: { url: string }) => url)
    assert.equal(new Set(urls).size, urls.length)
    if (trial.cancelled === undefined) {
      const counts = [report.arrived.length, report.failed.length, report.cancelled.length]
      assert.deepEqual(counts, [1, 1, 2])
    }
  }
}

const noMirror: Subject = {
  name: "race-mirrors fails with every failure when no mirror has the file",
  covers: [],
  laws: ["K23"],
  ...runs,
  program: Effect.map(served("race-mirrors", { urls: [at("/fail"), at("/refused")] }), ({ _tag }) => _tag),
  invariant: (trial) => {
    socketsClose(trial)
    completes(trial, "Failed")
  }
}

const counts: Subject = {
  name: "countdown, cancelled by somebody while it runs, keeps the number it was at",
  covers: [],
  laws: ["K8", "K9"],
  ...runs,
  program: Effect.gen(function* () {
    const tasks = yield* Tasks
    yield* startTask(named("countdown"), { from: 5, everyMillis: 10 })
    yield* Effect.sleep(25)
    const [one, two] = yield* Effect.all([tasks.cancel("task"), tasks.cancel("task")], { concurrency: "unbounded" })
    const outcome = (yield* tasks.await("task")) as TaskOutcome.Cancelled<{ readonly left: number }>
    yield* Ledger.note(`${one._tag} ${two._tag}`)
    return [outcome._tag, outcome.partial?.left, [one._tag, two._tag].toSorted()]
  }).pipe(Effect.orDie, Effect.provide(Tasks.layer()), Effect.provideService(OriginUrl, at(""))),
  invariant: (trial) => completes(trial, ["Cancelled", 3, ["AlreadyCancelled", "Cancelled"]])
}

const stubborn: Subject = {
  name: "stubborn is given up on after its two seconds, and the drain of its owner names it until its end",
  covers: [],
  laws: ["K12"],
  ...runs,
  program: Effect.gen(function* () {
    const tasks = yield* Tasks
    yield* startTask(named("stubborn"), { millis: 5_000 })
    yield* Effect.sleep(1)
    const answer = yield* tasks.cancel("task", { giveUp: "2 seconds" })
    return answer._tag === "Cancelled" && answer.how
  }).pipe(Effect.orDie, Effect.provide(Tasks.layer()), Effect.provideService(OriginUrl, at(""))),
  invariant: (trial) => completes(trial, "abandoned")
}

export const subjects: ReadonlyArray<Subject> = [fetches, races, gathers, noMirror, counts, stubborn]
