/** Parallel with failures: of three tasks the second fails; the agent works with what the other two came to. */
import * as Effect from "effect/Effect"
import { joinAllSettled } from "../combine/joins.ts"
import { AgentContext } from "../context/AgentContext.ts"
import { Fail } from "../kinds/failTask.ts"
import { Sleep } from "../kinds/sleepTask.ts"
import type { TaskHandle } from "../context/TaskHandle.ts"

export const parallelFailuresAgent = Effect.gen(function* () {
  const { schedule } = yield* AgentContext
  const tasks: ReadonlyArray<TaskHandle<{ readonly sleptMillis: number }>> = [
    yield* schedule(Sleep, { ms: 100 }, { label: "first" }),
    yield* schedule(Fail, { ms: 50, message: "The provider said no" }, { label: "second" }),
    yield* schedule(Sleep, { ms: 150 }, { label: "third" })
  ]
  const settled = yield* joinAllSettled(tasks)
  const total = settled.completed.reduce((sum, { value }) => sum + value.sleptMillis, 0)
  return { settled, total }
})
