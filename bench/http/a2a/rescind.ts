/** Rescind: an agent served by `A2AServer` with nothing but its defaults. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { A2AServer, Agent } from "../../../src/http/a2a/index.ts"
import { Tasks } from "../../../src/fibers/index.ts"
import { OpenStreams } from "../../../src/http/index.ts"
import type { AgentServer } from "../Contestant.ts"
import { effectServer } from "../effectServer.ts"
import { chunkOf, commandOf, type Pace } from "./commands.ts"

const agent = Agent.make("bench", {
  description: "Echoes, streams and waits",
  run: ({ text }): Agent.Run<never> => {
    const command = commandOf(text)
    switch (command.do) {
      case "echo":
        return Effect.succeed(command.text)
      case "stream":
        return chunks(command.count, command.pace)
      case "wait":
        return Effect.never
    }
  }
})

const chunks = (count: number, pace: Pace): Stream.Stream<string> => {
  const numbers = Stream.range(0, count - 1)
  if (pace === "at-once") return Stream.map(numbers, chunkOf)
  const pause = pace === "by-turn" ? turn : Effect.sleep(pace)
  return Stream.mapEffect(numbers, (index) => Effect.as(pause, chunkOf(index)))
}

const turn = Effect.callback<void>((resume) => {
  const handle = setImmediate(() => resume(Effect.void))
  return Effect.sync(() => clearImmediate(handle))
})

export const rescind = async (): Promise<AgentServer> => {
  const { port, runtime } = await effectServer(A2AServer.layer(agent).pipe(Layer.provideMerge(Tasks.layer())))
  const context = await runtime.runPromise(Effect.context<Tasks | OpenStreams>())
  return {
    port,
    left: async () => {
      const tasks = await runtime.runPromise(Context.get(context, Tasks).list)
      const live = tasks.filter(({ endedAt }) => endedAt._tag === "None")
      return live.length + (await runtime.runPromise(Context.get(context, OpenStreams).count))
    }
  }
}
