/** The server that is soaked, in a process of its own: what it holds is asked over the channel of `fork`. */
import { createServer } from "node:http"
import * as v8 from "node:v8"
import * as vm from "node:vm"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Metric from "effect/Metric"
import * as References from "effect/References"
import { Tasks } from "../../../src/fibers/Tasks.ts"
import { OpenStreams } from "../../../src/http/OpenStreams.ts"
import * as ServerClose from "../../../src/http/ServerClose.ts"
import * as TaskServer from "../../../src/http/TaskServer.ts"
import { chatter, shout } from "./talkers.ts"

/** What a server holds at an instant. */
export interface Held {
  readonly running: number
  readonly streams: number
  readonly sockets: number
  readonly fibers: number
  readonly timers: number
  readonly heap: number
  readonly rss: number
}

v8.setFlagsFromString("--expose-gc")
const gc = vm.runInNewContext("gc") as () => void

let fibers = 0
// The calls of the soak keep their connections.
const server = createServer({ keepAliveTimeout: 600_000 })
const runtime = ManagedRuntime.make(
  HttpRouter.serve(TaskServer.layer({ tasks: [chatter, shout], heartbeat: "1 second" }), {
    disableLogger: true,
    disableListenLog: true
  }).pipe(
    // Not longer than `SoakReader` counts on, so that memory is level early.
    Layer.provideMerge(Tasks.layer({ retention: { time: "20 seconds" } })),
    Layer.provideMerge(
      NodeHttpServer.layer(() => ServerClose.promptly(server), { port: 0, host: "127.0.0.1", backlog: 4096 })
    ),
    Layer.provide(
      Layer.mergeAll(
        Layer.succeed(References.MinimumLogLevel, "Error"),
        Layer.succeed(Metric.FiberRuntimeMetrics, {
          recordFiberStart: () => {
            fibers++
          },
          recordFiberEnd: () => {
            fibers--
          }
        })
      )
    )
  )
)

const held = async (collect: boolean): Promise<Held> => {
  const { running, streams } = await runtime.runPromise(
    Effect.gen(function* () {
      const tasks = yield* (yield* Tasks).list
      const streams = yield* (yield* OpenStreams).count
      return { running: tasks.filter(({ endedAt }) => endedAt._tag === "None").length, streams }
    })
  )
  if (collect) gc()
  const { external, heapUsed, rss } = process.memoryUsage()
  const resources = process.getActiveResourcesInfo()
  return {
    running,
    streams,
    sockets: resources.filter((name) => name === "TCPSocketWrap").length,
    fibers,
    timers: resources.filter((name) => name === "Timeout").length,
    heap: heapUsed + external,
    rss
  }
}

process.on("message", ({ collect, number }: { readonly number: number; readonly collect: boolean }) => {
  held(collect).then(
    (answer) => process.send!({ number, answer }),
    (error: unknown) => process.send!({ number, error: String(error) })
  )
})
process.on("disconnect", () => process.exit())
const { address } = await runtime.runPromise(Effect.map(HttpServer.HttpServer, (server) => server))
process.send!({ port: "port" in address ? address.port : 0 })
