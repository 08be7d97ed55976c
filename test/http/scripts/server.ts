/** A small server that `ServerMain` runs, for `ServerMain.process.test.ts`: prints its port once it is up. */
import { createServer } from "node:http"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import { Tasks } from "../../../src/fibers/Tasks.ts"
import * as ServerClose from "../../../src/http/ServerClose.ts"
import * as ServerMain from "../../../src/http/ServerMain.ts"
import * as ServerStart from "../../../src/http/ServerStart.ts"
import * as TaskServer from "../../../src/http/TaskServer.ts"
import { count, Stubborn, stubborn, wait } from "../probes.ts"

const tasks = [wait, count, stubborn(Stubborn)]

const listening = () =>
  ServerStart.answered(ServerClose.promptly(createServer({ keepAliveTimeout: 600_000 }), { within: "1 second" }))

const printPort = Layer.effectDiscard(
  Effect.flatMap(HttpServer.HttpServer, ({ address }) => Console.log(`port ${"port" in address ? address.port : ""}`))
)

const server = printPort.pipe(
  Layer.provideMerge(HttpRouter.serve(TaskServer.layer({ tasks }), { disableLogger: true, disableListenLog: true })),
  Layer.provideMerge(Tasks.layer()),
  Layer.provideMerge(NodeHttpServer.layer(listening, { port: 0, host: "127.0.0.1" }))
)

ServerMain.run(process, server, { finish: "4 seconds", giveUp: "1 second", flush: "500 millis" })
