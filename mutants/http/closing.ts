/** Breaks of draining and closing a server (S1-60, K37, K45). */
import type { Mutant } from "../Mutant.ts"

const drain = ["test/http/Drain.test.ts"]
const close = ["test/http/ServerClose.test.ts"]
const node = "src/http/Drain.ts"
const streams = "src/http/OpenStreams.ts"
const server = "src/http/ServerClose.ts"

export const mutants: ReadonlyArray<Mutant> = [
  {
    name: "a server waits for tasks without bound while it drains",
    law: "S1-60",
    file: node,
    find: "giveUp: options?.giveUp ?? CancelPolicy.shutdown.giveUp",
    replace: "giveUp: options?.giveUp",
    tests: drain
  },
  {
    name: "a drain ignores its bound",
    law: "S1-60",
    file: node,
    find: "giveUp: options?.giveUp ?? CancelPolicy.shutdown.giveUp",
    replace: "giveUp: CancelPolicy.shutdown.giveUp",
    tests: drain
  },
  {
    name: "a drain ignores how long tasks may finish",
    law: "S1-60",
    file: node,
    find: "tasks.drain({ ...options, giveUp",
    replace: "tasks.drain({ giveUp",
    tests: drain
  },
  {
    name: "a drain does not wait for clients to read the end",
    law: "S1-60",
    file: node,
    find: 'yield* Effect.timeoutOption(streams.awaitNone, options?.flush ?? "2 seconds")\n',
    replace: "",
    tests: drain
  },
  {
    name: "a drain waits for a client that does not read",
    law: "S1-60",
    file: node,
    find: 'yield* Effect.timeoutOption(streams.awaitNone, options?.flush ?? "2 seconds")',
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
    find: "for (const [socket, answers] of owed) if (answers === 0) socket.destroy()",
    replace: "",
    tests: close
  },
  {
    name: "a connection that has got its answer holds a closing server open",
    law: "S1-60",
    file: server,
    find: "if (closing && left === 0) socket.destroy()\n      else if",
    replace: "if",
    tests: close
  },
  {
    name: "a closing server tears off answers that run",
    law: "S1-60",
    file: server,
    find: "if (answers === 0) socket.destroy()",
    replace: "socket.destroy()",
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
    find: "Effect.sync(() => server.closeAllConnections())",
    replace: "Effect.void",
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
  }
]
