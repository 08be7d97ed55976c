/** Rescind: a definition whose body emits outputs, served by `TaskServer` with nothing but its defaults. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import * as Schema from "effect/Schema"
import { Tasks } from "../../../src/fibers/index.ts"
import { OpenStreams, TaskDefinition, TaskServer } from "../../../src/http/index.ts"
import type { FanOutServer } from "../Contestant.ts"
import { effectServer } from "../effectServer.ts"
import { type Command, emission } from "./emission.ts"

const Emit = TaskDefinition.make("emit", { success: Schema.Void, output: Schema.Int })

export const rescind = async (): Promise<FanOutServer> => {
  let commands: Queue.Queue<Command>
  const emit = Emit.of((_, self) =>
    Effect.gen(function* () {
      let at = 1
      const emit = Effect.suspend(() => self.output(++at))
      for (;;) {
        const { count, done, mode } = yield* Queue.take(commands)
        yield* Effect.ensuring(emission(count, mode, emit), Effect.sync(done))
      }
    })
  )
  const { port, runtime } = await effectServer(
    TaskServer.layer({ tasks: [emit] }).pipe(Layer.provideMerge(Tasks.layer()))
  )
  const context = await runtime.runPromise(Effect.context<Tasks | OpenStreams>())
  return {
    port,
    open: async (id) => {
      commands = await runtime.runPromise(Queue.unbounded<Command>())
      const started = await fetch(`http://127.0.0.1:${port}/tasks/emit?id=${id}`, { method: "POST" })
      if (started.status !== 202) throw new Error(`The start was answered ${started.status}: ${await started.text()}`)
      const { links } = (await started.json()) as {
        readonly links: { readonly events: string; readonly cancel: string }
      }
      return {
        ...links,
        emit: (count, mode) =>
          new Promise((done) => {
            Queue.offerUnsafe(commands, { count, mode, done })
          })
      }
    },
    left: async () => {
      const running = await runtime.runPromise(Context.get(context, Tasks).list)
      const live = running.filter(
        ({ state }) => state === "running" || state === "cancelling" || state === "straggling"
      )
      return live.length + (await runtime.runPromise(Context.get(context, OpenStreams).count))
    }
  }
}
