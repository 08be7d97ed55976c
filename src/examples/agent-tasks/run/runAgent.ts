/** Runs one agent as a client of the server and prints its timeline. */
import * as Clock from "effect/Clock"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Deadline from "../../../combinators/Deadline.ts"
import { AgentTasks } from "../AgentTasks.ts"
import * as MakeContext from "../context/makeContext.ts"
import type { ClosedEarly } from "../../server/originLedger.ts"
import type { Check, Scenario } from "./scenarios.ts"
import type { Site } from "./site.ts"
import { Timeline } from "./Timeline.ts"

/** What the origin saw, once it has seen what must come or a second has passed: it hears of a closed socket a little later. */
const seenClosing = ({ origin }: Site, { closes, name }: Scenario): Effect.Effect<ReadonlyArray<ClosedEarly>> => {
  const all = (early: ReadonlyArray<ClosedEarly>) =>
    closes.every((label) => early.some(({ url }) => url.includes(`mirror=${name}.${label}&`)))
  return Effect.repeat(Effect.delay(origin.closedEarly, 5), { until: all, times: 200 })
}

/** So long an agent may take: some ten times what one takes on a busy machine. */
const budget = "10 seconds"

/** True if everything was as expected. */
export const runAgent = (
  site: Site,
  scenario: Scenario
): Effect.Effect<boolean, never, AgentTasks | HttpClient.HttpClient> =>
  Effect.gen(function* () {
    const { closes, name, title } = scenario
    const timeline = new Timeline(name, yield* Clock.currentTimeMillis)
    const context = MakeContext.layer({
      name,
      workers: site.workers,
      onSchedule: (id, label) => timeline.labels.set(id, label),
      onDrop: (id, reason) => timeline.dropped(id, reason)
    })
    const checks = yield* scenario.run(site.origin.url).pipe(
      Effect.provide(context),
      Deadline.run(budget, { name }),
      Effect.catch((error) =>
        Effect.succeed<ReadonlyArray<Check>>([{ what: `the agent succeeds, but: ${error.message}`, held: false }])
      )
    )
    timeline.note(yield* Clock.currentTimeMillis, "the agent is done")

    const tasks = yield* AgentTasks
    const listed = yield* Effect.orElseSucceed(tasks.list(name), () => [])
    for (const { id } of listed) timeline.events(yield* Effect.orElseSucceed(tasks.events(name, id), () => []))
    const early = yield* seenClosing(site, scenario)
    timeline.closed(early)
    const sockets = closes.map((label) => ({
      what: `the origin saw the socket of ${label} closing`,
      held: early.some(({ url }) => url.includes(`mirror=${name}.${label}&`))
    }))

    const all = [...checks, ...sockets]
    const marks = all.map(({ held, what }) => `  ${held ? "ok  " : "FAIL"}  ${what}`)
    yield* Console.log(`\n${name}: ${title}\n${timeline.text}\n${marks.join("\n")}`)
    return all.every(({ held }) => held)
  })
