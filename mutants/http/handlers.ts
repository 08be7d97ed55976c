/** Breaks of users' own handlers, and of the deadline that travels with a request (K1, K18, K19, K33, D8). */
import type { Mutant } from "../Mutant.ts"

const middleware = ["test/http/CancelMiddleware.test.ts"]
const drain = ["test/http/CancelMiddleware.drain.test.ts"]
const streams = ["test/http/CancelMiddleware.streams.test.ts"]
const api = ["test/http/CancelMiddleware.api.test.ts"]
const deadline = ["test/http/RequestDeadline.test.ts"]
const runs = ["test/http/RunningHandlers.test.ts"]

const running = "src/http/RunningHandlers.ts"
const node = "src/http/internal/handlerNode.ts"
const body = "src/http/internal/bodyHandOver.ts"
const interrupt = "src/http/internal/requestInterrupt.ts"
const cancelled = "src/http/RequestCancelled.ts"
const header = "src/http/RequestDeadline.ts"

export const mutants: ReadonlyArray<Mutant> = [
  {
    name: "a client that left is taken for a server that stops",
    law: "K19",
    file: interrupt,
    find: "if (hasLeft(cause)) return CancelReason.disconnect({ by: client })\n",
    replace: "",
    tests: middleware
  },
  {
    name: "the reason does not say which client left",
    law: "K19",
    file: running,
    find: "const client = Option.getOrUndefined(request.remoteAddress)",
    replace: "const client = undefined as string | undefined",
    tests: middleware
  },
  {
    name: "a request that ended waits for no clean-up",
    law: "K1",
    file: running,
    find: "return closed(node)\n",
    replace: "return Effect.void\n",
    tests: [...drain, ...runs]
  },
  {
    name: "an interrupted request is answered by Effect",
    law: "K18",
    file: running,
    find: "Effect.die(answerOf(cause, node.mark?.reason ?? reason))",
    replace: "Effect.void",
    tests: [...streams, ...drain]
  },
  {
    name: "a new handler starts although the server drains",
    law: "K5",
    file: running,
    find: "if (handlers.gone || handlers.draining !== undefined) return CancelReason.shutdown()\n",
    replace: "",
    tests: drain
  },
  {
    name: "a handler without any time left starts",
    law: "K33",
    file: running,
    find: "budget !== undefined && Duration.isZero(budget.within)",
    replace: "budget === undefined && handlers.gone",
    tests: middleware
  },
  {
    name: "a caller may stretch the limit of the server",
    law: "K33",
    file: running,
    find: "(own === undefined || Duration.isLessThan(asked.value, own))",
    replace: "true",
    tests: middleware
  },
  {
    name: "the limit of the server hides the shorter one of the caller",
    law: "K33",
    file: running,
    find: "(own === undefined || Duration.isLessThan(asked.value, own))",
    replace: "own === undefined",
    tests: middleware
  },
  {
    name: "the name of a handler has what the client wrote into the path",
    law: "D8",
    file: running,
    find: "Option.isSome(matched) ? matched.value.route.path : request",
    replace: "Option.isNone(matched) ? request.url : request",
    tests: middleware
  },
  {
    name: "a budget that has passed stops nothing",
    law: "K33",
    file: node,
    find: "    limit?.moveTo(limit.at)\n",
    replace: "",
    tests: middleware
  },
  {
    name: "the timeout of a handler forgets who said so",
    law: "K19",
    file: node,
    find: "CancelReason.timeout({ by, message })",
    replace: "CancelReason.timeout({ message })",
    tests: middleware
  },
  {
    name: "a handler is cancelled without the patience that was asked for",
    law: "K12",
    file: node,
    find: "cancel(this, reason, this.handling.policy, this.outside)",
    replace: "cancel(this, reason, { ...this.handling.policy, grace: Duration.zero }, this.outside)",
    tests: middleware
  },
  {
    name: "a drain gives every handler time, whatever it asks for",
    law: "K37",
    file: node,
    find: "return this.handling.onShutdown\n",
    replace: 'return "finish"\n',
    tests: drain
  },
  {
    name: "a route that is not to be interrupted is",
    law: "K39",
    file: node,
    find: "isInterruptible(requester) ? work : Effect.uninterruptible(work)",
    replace: "isInterruptible(requester) ? work : work",
    tests: middleware
  },
  {
    name: "a client that does not read keeps the request of a cancelled body",
    law: "K1",
    file: node,
    find: 'if (this.sending && this.verdict === "cancelled" && !this.over) this.requester.interruptUnsafe()',
    replace: "",
    tests: streams
  },
  {
    name: "whoever still asks for a cancelled body waits for ever",
    law: "K1",
    file: node,
    find: "    this.body?.end(this.exit ?? this.mark!.exit)\n",
    replace: "",
    tests: [...runs, ...streams]
  },
  {
    name: "a streamed body loses the headers of its answer",
    law: "D8",
    file: node,
    find: "HttpServerResponse.setHeaders(HttpServerResponse.setBody(response, streamed), response.headers)",
    replace: "HttpServerResponse.setBody(response, streamed)",
    tests: streams
  },
  {
    name: "a piped body loses what its handler acquired before it was sent",
    law: "K1",
    file: node,
    find: "Effect.andThen(Effect.interruptible(this.written.await), this.decided)",
    replace: "this.decided",
    tests: streams
  },
  {
    name: "a body that nobody reads keeps its handler",
    law: "K1",
    file: body,
    find: "    this.done = true\n    this.wake?.(false)\n",
    replace: "    this.done = true\n",
    tests: streams
  },
  {
    name: "a body begins although nobody reads it",
    law: "K1",
    file: body,
    find: "if (!(yield* this.wanted)) return\n",
    replace: "",
    tests: streams
  },
  {
    name: "a body that failed looks whole",
    law: "D8",
    file: body,
    find: "    this.answer(exit)\n      ",
    replace: "    this.answer(Exit.isFailure(exit) ? Exit.fail(Cause.Done()) : exit)\n      ",
    tests: streams
  },
  {
    name: "a reader who stops reading is taken for a server that interrupts",
    law: "K19",
    file: interrupt,
    find: "  return sending\n    ?",
    replace: "  return sending && draining\n    ?",
    tests: streams
  },
  {
    name: "a deadline is answered as if the server were broken",
    law: "K19",
    file: cancelled,
    find: "timeout: 504",
    replace: "timeout: 500",
    tests: middleware
  },
  {
    name: "the typed error of a cancelled task is left to the router",
    law: "K22",
    file: cancelled,
    find: "error instanceof TaskCancelled || error instanceof ScopeCancelled",
    replace: "error instanceof ScopeCancelled",
    tests: middleware
  },
  {
    name: "a server that shuts down does not say when to come back",
    law: "D8",
    file: cancelled,
    find: "error.status === 503 ? {",
    replace: "error.status === 409 ? {",
    tests: drain
  },
  {
    name: "the answer to a typed client leaves the reason out",
    law: "K21",
    file: cancelled,
    find: "extension: { reason: encodeReason(error.reason) }",
    replace: "extension: {}",
    tests: [...api, ...middleware]
  },
  {
    name: "a deadline header may say anything that is a number",
    law: "D8",
    file: header,
    find: "/^(?:0|[1-9]\\d{0,9})$/.test(said) ? Number(said) : Infinity",
    replace: 'said.trim() === "" ? Infinity : Number(said)',
    tests: deadline
  },
  {
    name: "a deadline header may say more than 24 days",
    law: "D8",
    file: header,
    find: "return millis <= maxMillis ? millis : undefined",
    replace: "return millis < Infinity ? millis : undefined",
    tests: deadline
  },
  {
    name: "a malformed deadline is told back whole",
    law: "D8",
    file: header,
    find: "said.length > 40",
    replace: "said.length > 40_000",
    tests: deadline
  },
  {
    name: "a call for which no time is left is sent",
    law: "K33",
    file: header,
    find: "    if (left <= 0) return",
    replace: "    if (left < -Infinity) return",
    tests: deadline
  },
  {
    name: "no margin is kept back",
    law: "K33",
    file: header,
    find: "Duration.toMillis(remaining.value) - Duration.toMillis(margin)",
    replace: "Duration.toMillis(remaining.value)",
    tests: deadline
  },
  {
    name: "a deadline is forwarded longer than it was given",
    law: "K33",
    file: header,
    find: 'Math.min(left, millisOf(request.headers[header] ?? "") ?? Infinity)',
    replace: 'millisOf(request.headers[header] ?? "") ?? left',
    tests: deadline
  },
  {
    name: "clean-up after the deadline may call nobody",
    law: "K15",
    file: header,
    find: "if (Option.isNone(remaining) || Option.isSome(yield* CancelReason.current)) return request",
    replace: "if (Option.isNone(remaining)) return request",
    tests: deadline
  }
]
