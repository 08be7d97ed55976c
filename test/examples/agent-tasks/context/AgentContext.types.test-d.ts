/** The shapes of the agent's API (S4-08, S4-18, S4-23, S4-28, S4-31, S4-34, S4-35). */
import type * as Effect from "effect/Effect"
import { assertType, describe, expectTypeOf, it } from "vitest"
import type { CancelResult } from "../../../../src/fibers/CancelResult.ts"
import * as Result from "../../../../src/fibers/CancelResult.ts"
import type { AgentTasksError } from "../../../../src/examples/agent-tasks/agentTaskErrors.ts"
import type { AllTasksFailed, NoTasks } from "../../../../src/examples/agent-tasks/combine/combineErrors.ts"
import { type JoinedWithin, joinAllWithTimeout } from "../../../../src/examples/agent-tasks/combine/limits.ts"
import { selectOkWithCancel, type Won } from "../../../../src/examples/agent-tasks/combine/select.ts"
import type { AgentContext } from "../../../../src/examples/agent-tasks/context/AgentContext.ts"
import type { TaskHandle } from "../../../../src/examples/agent-tasks/context/TaskHandle.ts"
import type { Fail } from "../../../../src/examples/agent-tasks/kinds/failTask.ts"
import type { Sleep } from "../../../../src/examples/agent-tasks/kinds/sleepTask.ts"

declare const context: AgentContext["Service"]
declare const sleep: typeof Sleep
declare const fail: typeof Fail
declare const handles: ReadonlyArray<TaskHandle<number>>
declare const result: CancelResult

describe("AgentContext", () => {
  it("schedules by definition: the handle has the type of its success, the input is checked", () => {
    type Slept = { readonly sleptMillis: number; readonly label?: string }
    expectTypeOf(context.schedule(sleep, { ms: 1 })).toEqualTypeOf<Effect.Effect<TaskHandle<Slept>>>()
    expectTypeOf(context.schedule(fail, { ms: 1, message: "" })).toEqualTypeOf<Effect.Effect<TaskHandle<never>>>()
    // @ts-expect-error: the payload of `sleep` is a number of milliseconds
    void context.schedule(sleep, { ms: "1" })
  })

  it("a handle exposes its id and a cancel, which gives what cancelTask gives", () => {
    expectTypeOf<TaskHandle<number>["id"]>().toEqualTypeOf<string>()
    expectTypeOf(context.cancelTask("id")).toEqualTypeOf<Effect.Effect<CancelResult, AgentTasksError>>()
    expectTypeOf<ReturnType<TaskHandle<number>["cancel"]>>().toEqualTypeOf<
      Effect.Effect<CancelResult, AgentTasksError>
    >()
  })

  it("a cancel result is matched exhaustively", () => {
    assertType<string>(
      Result.match(result, {
        Cancelled: ({ how }) => how,
        AlreadyCancelled: ({ reason }) => reason.message,
        AlreadyCompleted: ({ id }) => id,
        AlreadyFailed: ({ id }) => id,
        Requested: ({ id }) => id,
        NotFound: ({ id }) => id
      })
    )
    // @ts-expect-error: one case is missing
    Result.match(result, {
      Cancelled: () => 1,
      AlreadyCancelled: () => 1,
      AlreadyCompleted: () => 1,
      AlreadyFailed: () => 1,
      Requested: () => 1
    })
  })
})

describe("combinators", () => {
  it("take handles and say what they return and fail with", () => {
    expectTypeOf(selectOkWithCancel(handles)).toEqualTypeOf<Effect.Effect<Won<number>, NoTasks | AllTasksFailed>>()
    expectTypeOf<Won<number>["cancelled"]>().toEqualTypeOf<ReadonlyArray<string>>()
    expectTypeOf(joinAllWithTimeout(handles, 100)).toEqualTypeOf<Effect.Effect<JoinedWithin<number>>>()
  })
})
