import { expect, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { selectOkWithCancel } from "../../../src/examples/agent-tasks/combine/select.ts"
import { AgentContext } from "../../../src/examples/agent-tasks/context/AgentContext.ts"
import { Fail } from "../../../src/examples/agent-tasks/kinds/failTask.ts"
import { Sleep } from "../../../src/examples/agent-tasks/kinds/sleepTask.ts"
import { inTime, mocked } from "./mocked.ts"

describe("selectOkWithCancel", () => {
  it.effect("first", () =>
    mocked(
      Effect.gen(function* () {
        const { schedule } = yield* AgentContext
        const fail = yield* schedule(Fail, { ms: 10, message: "no" })
        const slow = yield* schedule(Sleep, { ms: 10_000 })
        const fast = yield* schedule(Sleep, { ms: 50 })
        const won = yield* inTime(selectOkWithCancel([fail, slow, fast]))
        expect(won).toEqual({ index: 2, id: fast.id, value: { sleptMillis: 50 }, cancelled: [slow.id], notCancelled: [] })
        expect(yield* Clock.currentTimeMillis).toBe(50)
        expect(yield* slow.status).toBe("cancelled")
        expect(yield* slow.await).toMatchObject({ reason: { source: "lost-race", by: fast.id } })
      })
    )
  )
})
