import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { AgentTasks } from "../../../../src/examples/agent-tasks/AgentTasks.ts"
import { selectOkWithCancel } from "../../../../src/examples/agent-tasks/combine/select.ts"
import { AgentContext } from "../../../../src/examples/agent-tasks/context/AgentContext.ts"
import * as Journal from "../../../../src/examples/agent-tasks/context/journal.ts"
import * as MakeContext from "../../../../src/examples/agent-tasks/context/makeContext.ts"
import { Sleep } from "../../../../src/examples/agent-tasks/kinds/sleepTask.ts"
import { inTime, mocked, settled } from "../mocked.ts"

const inFolder = <A, E, R>(body: (file: string) => Effect.Effect<A, E, R>) =>
  Effect.acquireUseRelease(
    Effect.sync(() => fs.mkdtempSync(path.join(os.tmpdir(), "rescind-journal-"))),
    (folder) => body(path.join(folder, "agent.jsonl")),
    (folder) => Effect.sync(() => fs.rmSync(folder, { recursive: true }))
  )

const Raced = Schema.Struct({ winner: Schema.Int, cancelled: Schema.Array(Schema.String) })

/** Races two tasks, notes the outcome, and then waits for ever, as an agent that is about to be killed. */
const racer = (after: Effect.Effect<unknown>) =>
  Effect.gen(function* () {
    const { once, schedule } = yield* AgentContext
    const tasks = [yield* schedule(Sleep, { ms: 500 }), yield* schedule(Sleep, { ms: 20 })]
    const raced = yield* once(
      "race",
      Raced,
      Effect.map(selectOkWithCancel(tasks), ({ cancelled, index }) => ({ winner: index, cancelled }))
    )
    yield* after
    return { ...raced, ids: tasks.map(({ id }) => id) }
  })

/** A life of the agent, over the same file. */
const life = <A, E>(file: string, agent: Effect.Effect<A, E, AgentContext>) =>
  Effect.scoped(
    Effect.gen(function* () {
      const context = yield* MakeContext.make({ name: "agent", journal: yield* Journal.inFile(file) })
      return yield* Effect.provideService(agent, AgentContext, context)
    })
  )

describe("journal", () => {
  it.effect("an agent that is resumed has the same tasks, the same winner and the same cancelled ids (S4x-09)", () =>
    inFolder((file) =>
      mocked(
        Effect.gen(function* () {
          const killed = yield* Effect.forkChild(life(file, racer(Effect.never)))
          for (let step = 0; step < 5; step++) yield* Effect.andThen(settled, inTime(Effect.sleep(10)))
          yield* Fiber.interrupt(killed)
          const before = yield* (yield* AgentTasks).list("agent")
          expect(before.map(({ status }) => status)).toEqual(["cancelled", "completed"])

          const resumed = yield* inTime(life(file, racer(Effect.void)))
          const ids = before.map(({ id }) => id)
          expect(resumed).toEqual({ winner: 1, cancelled: [ids[0]], ids })
          expect(yield* (yield* AgentTasks).list("agent")).toEqual(before)
        })
      )
    )
  )

  it.effect("killed before the race was decided, it takes the same tasks and decides it once (S4x-09)", () =>
    inFolder((file) =>
      mocked(
        Effect.gen(function* () {
          const journal = yield* Journal.inFile(file)
          const ids = [crypto.randomUUID(), crypto.randomUUID()]
          journal.write("task 0", ids[0]!)
          journal.write("task 1", ids[1]!)
          yield* (yield* AgentTasks).submit("agent", [
            { id: ids[0]!, kind: "sleep", input: { ms: 500 } },
            { id: ids[1]!, kind: "sleep", input: { ms: 20 } }
          ])
          const resumed = yield* inTime(life(file, racer(Effect.void)))
          expect(resumed).toEqual({ winner: 1, cancelled: [ids[0]], ids })
          expect(yield* (yield* AgentTasks).list("agent")).toHaveLength(2)
        })
      )
    )
  )

  it.effect("killed after the losers were cancelled and before that was noted, it still names them (S4x-09)", () =>
    inFolder((file) =>
      mocked(
        Effect.gen(function* () {
          const journal = yield* Journal.inFile(file)
          const forgetful: Journal.Journal = {
            find: journal.find,
            write: (key, value) => (key === "once race" ? undefined : journal.write(key, value))
          }
          const first = yield* inTime(
            Effect.scoped(
              Effect.flatMap(MakeContext.make({ name: "agent", journal: forgetful }), (context) =>
                Effect.provideService(racer(Effect.void), AgentContext, context)
              )
            )
          )
          expect(yield* inTime(life(file, racer(Effect.void)))).toEqual(first)
          expect(first.cancelled).toEqual([first.ids[0]])
        })
      )
    )
  )

  it.effect("a torn or foreign line counts as not written, and does not spoil what comes after it", () =>
    inFolder((file) =>
      Effect.gen(function* () {
        fs.writeFileSync(file, `{"key":"a","value":1}\nnonsense\n{"key":"b","val`)
        const first = yield* Journal.inFile(file)
        expect([first.find("a"), first.find("b")]).toEqual([1, undefined])
        first.write("b", { two: 2 })
        const second = yield* Journal.inFile(file)
        expect([second.find("a"), second.find("b")]).toEqual([1, { two: 2 }])
      })
    )
  )

  it.effect("what failed is not noted, and is tried again", () =>
    Effect.gen(function* () {
      const kept = new Map<string, Schema.Json>()
      const journal: Journal.Journal = { find: (key) => kept.get(key), write: (key, value) => kept.set(key, value) }
      let calls = 0
      const flaky = Effect.suspend(() => (++calls < 2 ? Effect.fail("no") : Effect.succeed(calls)))
      const once = Journal.once(journal, "k", Schema.Int, flaky)
      expect(yield* Effect.flip(once)).toBe("no")
      expect([yield* once, yield* once, calls]).toEqual([2, 2, 2])
    })
  )
})
