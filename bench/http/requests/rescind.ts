/** Rescind: a definition that waits, served by `TaskServer` with nothing but its defaults. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { Tasks } from "../../../src/fibers/index.ts"
import { TaskDefinition, TaskServer } from "../../../src/http/index.ts"
import type { RequestServer } from "../Contestant.ts"
import { effectServer } from "../effectServer.ts"
import { Payload } from "./fibers.ts"

const Wait = TaskDefinition.make("wait", { payload: Payload, success: Schema.Void })

export const rescind = async (): Promise<RequestServer> => {
  const wait = Wait.of(() => Effect.never)
  const { port, runtime } = await effectServer(
    TaskServer.layer({ tasks: [wait] }).pipe(Layer.provideMerge(Tasks.layer()))
  )
  return {
    port,
    left: async () => {
      const tasks = await runtime.runPromise(Effect.flatMap(Tasks, ({ list }) => list))
      return tasks.filter(({ endedAt }) => endedAt._tag === "None").length
    }
  }
}
