/** Breaks of draining and closing a server (S1-60, K37, K45). */
import type { Mutant } from "../Mutant.ts"

const main = ["test/http/ServerMain.test.ts"]
const drain = ["test/http/Drain.test.ts"]
const close = ["test/http/ServerClose.test.ts"]
const connections = ["test/http/ServerClose.connections.test.ts"]
const node = "src/http/Drain.ts"
const streams = "src/http/OpenStreams.ts"
const server = "src/http/ServerClose.ts"

export const mutants: ReadonlyArray<Mutant> = [
  {
    name: "a server waits for tasks without bound while it drains",
    law: "S1-60",
    file: node,
    find: "giveUp: given.giveUp ?? CancelPolicy.shutdown.giveUp",
    replace: "giveUp: given.giveUp",
    tests: drain
  },
  {
    name: "a drain ignores its bound",
    law: "S1-60",
    file: node,
    find: "giveUp: given.giveUp ?? CancelPolicy.shutdown.giveUp",
    replace: "giveUp: CancelPolicy.shutdown.giveUp",
    tests: drain
  },
  {
    name: "a drain ignores how long tasks may finish",
    law: "S1-60",
    file: node,
    find: "const bounds = { ...given, giveUp",
    replace: "const bounds = { giveUp",
    tests: drain
  },
  {
    name: "a drain does not wait for clients to read the end",
    law: "S1-60",
    file: node,
    find: "yield* Effect.timeoutOption(streams.awaitNone, flush ?? defaultFlush)\n",
    replace: "",
    tests: drain
  },
  {
    name: "a drain waits for a client that does not read",
    law: "S1-60",
    file: node,
    find: "yield* Effect.timeoutOption(streams.awaitNone, flush ?? defaultFlush)",
    replace: "yield* streams.awaitNone",
    tests: drain
  },
  {
    name: "a client that does not read holds the server open",
    law: "S1-60",
    file: node,
    find: "yield* streams.cut\n",
    replace: "",
    tests: drain
  },
  {
    name: "nobody is told the report of a drain",
    law: "S1-60",
    file: node,
    find: "options?.onReport?.(report) ?? Effect.void",
    replace: "Effect.void",
    tests: drain
  },
  {
    name: "a stream that ended is still counted",
    law: "K45",
    file: streams,
    find: "streams.delete(stream)\n",
    replace: "",
    tests: drain
  },
  {
    name: "a drain does not see the streams that are open",
    law: "S1-60",
    file: streams,
    find: "none.closeUnsafe()\n",
    replace: "",
    tests: drain
  },
  {
    name: "a drain waits for ever for streams that have ended",
    law: "S1-60",
    file: streams,
    find: "if (streams.size === 0) none.openUnsafe()",
    replace: "",
    tests: drain
  },
  {
    name: "a connection on which nothing was asked holds a closing server open",
    law: "S1-60",
    file: server,
    find: "for (const [socket, answers] of owed) if (answers === 0) leave(socket)",
    replace: "",
    tests: close
  },
  {
    name: "a connection that has got its answer holds a closing server open",
    law: "S1-60",
    file: server,
    find: "if (closing && left === 0) leave(socket)",
    replace: "",
    tests: close
  },
  {
    name: "a closing server tears off answers that run",
    law: "S1-60",
    file: server,
    find: "if (answers === 0) leave(socket)",
    replace: "if (answers >= 0) leave(socket)",
    tests: close
  },
  {
    name: "a server that goes on cuts its connections after each answer",
    law: "S1-60",
    file: server,
    find: "if (closing && left === 0)",
    replace: "if (left === 0)",
    tests: close
  },
  {
    name: "a client that does not read its answer holds a closing server open",
    law: "S1-60",
    file: server,
    find: "for (const socket of owed.keys()) socket.destroy()",
    replace: "",
    tests: close
  },
  {
    name: "the timer that cuts connections outlives the server",
    law: "K45",
    file: server,
    find: "Effect.runFork(Fiber.interrupt(cutting))\n",
    replace: "",
    tests: close
  },
  {
    name: "who closes a server is not told when it has closed",
    law: "S1-60",
    file: server,
    find: "callback?.(error)\n",
    replace: "",
    tests: close
  },
  {
    name: "a bound of one's own for closing is ignored",
    law: "S1-60",
    file: server,
    find: 'options?.within ?? "5 seconds"',
    replace: '"5 seconds"',
    tests: close
  },
  {
    name: "a closing server resets a connection whose client goes on asking",
    law: "S1-60",
    file: server,
    find: "    socket.end()\n",
    replace: "    socket.destroy()\n",
    tests: connections
  },
  {
    name: "a closing server works on requests whose answers nobody can read",
    law: "S1-60",
    file: server,
    find: "if (Number.isNaN(owed.get(request.socket))) return true\n",
    replace: "",
    tests: connections
  },
  {
    name: "a client that keeps its half of a connection holds a closing server open",
    law: "S1-60",
    file: server,
    find: "Effect.sync(() => socket.destroy()),\n        farewell",
    replace: "Effect.void,\n        farewell",
    tests: connections
  },
  {
    name: "a closing server tears off answers to requests that expected 100-continue",
    law: "S1-60",
    file: server,
    find: 'case "checkContinue":\n',
    replace: "",
    tests: connections
  },
  {
    name: "a closing server tears off answers to requests that asked for an upgrade",
    law: "S1-60",
    file: server,
    find: "const settle = owe(socket)\n",
    replace: "const settle = () => {}\n",
    tests: connections
  },
  {
    name: "an upgraded connection holds a closing server open",
    law: "S1-60",
    file: server,
    find: "onSwitch(socket, settle)\n",
    replace: "",
    tests: connections
  },
  {
    name: "a closing server tears off answers over TLS",
    law: "S1-60",
    file: server,
    find: "owed.delete(below)",
    replace: "owed.has(below)",
    tests: connections
  },
  {
    name: "a drain asks one service after another",
    law: "K4",
    file: node,
    find: '{ concurrency: "unbounded" }',
    replace: "{ concurrency: 1 }",
    tests: drain
  },
  {
    name: "a drain forgets what another service left behind",
    law: "S1-60",
    file: node,
    find: "abandoned: [...one.abandoned, ...other.abandoned]",
    replace: "abandoned: other.abandoned",
    tests: drain
  },
  {
    name: "who is refused is told to come back before the drain is over",
    law: "S1x-24",
    file: node,
    find: "Math.max(1, Math.ceil((by.value - now) / 1000))",
    replace: "Math.max(1, Math.floor((by.value - now) / 1000))",
    tests: drain
  },
  {
    name: "who is refused after the drain is told to come back in the past",
    law: "S1x-24",
    file: node,
    find: "Math.max(1, Math.ceil((by.value - now) / 1000))",
    replace: "Math.ceil((by.value - now) / 1000)",
    tests: drain
  },
  {
    name: "the choice of a definition does not reach the drain",
    law: "S1-59",
    file: "src/http/internal/startRoute.ts",
    find: "record: recording.record, onShutdown, ",
    replace: "record: recording.record, ",
    tests: drain
  },
  {
    name: "a draining server waits for the body of a start that it refuses",
    law: "S1x-24",
    file: "src/http/internal/startRoute.ts",
    find: "if (yield* server.tasks.draining) return yield* Effect.flatMap(Drain.refusal(server.tasks), Effect.fail)\n",
    replace: "",
    tests: drain
  },
  {
    name: "a draining server says that it is ready",
    law: "S1x-06",
    file: "src/http/Health.ts",
    find: "  Drain.admit.pipe(\n",
    replace: "  Effect.void.pipe(\n",
    tests: ["test/http/Health.test.ts"]
  },
  {
    name: "a draining server says that it is up like any other",
    law: "S1x-40",
    file: "src/http/Health.ts",
    find: '(yield* tasks.draining) ? "draining" : "up"',
    replace: '"up"',
    tests: ["test/http/Health.test.ts"]
  },
  {
    name: "the contract of a server without probes has them",
    law: "S1x-06",
    file: "src/http/TaskApi.ts",
    find: "(options?.health === false ? withoutProbes : withProbes)",
    replace: "withProbes",
    tests: ["test/http/TaskApi.test.ts"]
  },
  {
    name: "a server without probes lists them in its documentation",
    law: "S1x-06",
    file: "src/http/TaskServer.ts",
    find: "{ health, title, version, security }",
    replace: "{ title, version, security }",
    tests: ["test/http/TaskApi.test.ts"]
  },
  {
    name: "a server without probes says which method they allow",
    law: "S1x-06",
    file: "src/http/TaskServer.ts",
    find: "...(options.health === false ? [] : ([[/^\\/(?:health",
    replace: "...(false ? [] : ([[/^\\/(?:health",
    tests: ["test/http/TaskApi.test.ts"]
  },
  {
    name: "an EventSource that comes while the server starts never comes back",
    law: "S1x-02",
    file: "src/http/ServerStart.ts",
    find: 'if (method === "GET" && headers',
    replace: 'if (method === "HEAD" && headers',
    tests: ["test/http/ServerStart.test.ts", "test/http/ServerStart.browser.test.ts"]
  },
  {
    name: "while the server starts a message that is answered by a stream is lost without a word",
    law: "S1x-06",
    file: "src/http/ServerStart.ts",
    find: 'if (method === "GET" && headers',
    replace: "if (headers",
    tests: ["test/http/ServerStart.test.ts"]
  },
  {
    name: "a server that has started still answers for itself",
    law: "S1x-06",
    file: "src/http/ServerStart.ts",
    find: '    server.off("request", early)\n',
    replace: "",
    tests: ["test/http/ServerStart.test.ts"]
  },
  {
    name: "a server that a signal ends does not say which",
    law: "S1-58",
    file: "src/http/ServerMain.ts",
    find: "CancelReason.shutdown({ by: signal })",
    replace: "CancelReason.shutdown()",
    tests: main
  },
  {
    name: "a signal is not heard while the server comes up",
    law: "S1-58",
    file: "src/http/ServerMain.ts",
    find: "Effect.raceFirst(Effect.asSome(start), Effect.as(told, Option.none()))",
    replace: "Effect.asSome(start)",
    tests: main
  },
  {
    name: "a server that a signal ends may hang for ever",
    law: "S1-60",
    file: "src/http/ServerMain.ts",
    find: "Effect.tap(signalled, exitWithin(limit))",
    replace: "signalled",
    tests: main
  },
  {
    name: "the limit of the process leaves no time to close",
    law: "S1-60",
    file: "src/http/ServerMain.ts",
    find: 'Duration.sum(Drain.longest(options), CancelPolicy.bound("close", options?.close ?? "10 seconds"))',
    replace: "Drain.longest(options)",
    tests: main
  }
]
