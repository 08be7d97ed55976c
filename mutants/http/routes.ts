/** Breaks of the routes: status codes and problem documents (DESIGN section 8), starts, cancels, views. */
import type { Mutant } from "../Mutant.ts"

const cancel = ["test/http/internal/cancelRoute.test.ts"]
const start = ["test/http/internal/startRoute.test.ts"]
const read = ["test/http/internal/readRoutes.test.ts"]
const none = ["test/http/internal/noRoute.test.ts"]
const cancelRoute = "src/http/internal/cancelRoute.ts"
const cancelOptions = "src/http/internal/cancelOptions.ts"
const prefersAsync = "src/http/internal/prefersAsync.ts"
const selecting = "src/http/internal/selecting.ts"
const startRoute = "src/http/internal/startRoute.ts"
const readRoutes = "src/http/internal/readRoutes.ts"
const authorize = "src/http/internal/authorize.ts"
const noRoute = "src/http/internal/noRoute.ts"

export const mutants: ReadonlyArray<Mutant> = [
  {
    name: "a cancel that was not waited for answers 200",
    law: "S1-04",
    file: cancelRoute,
    find: 'result._tag === "Requested" ? 202 : 200',
    replace: "200",
    tests: cancel
  },
  {
    name: "a cancel waits although it was told not to",
    law: "S1-04",
    file: cancelRoute,
    find: "preferred || call.wait === false",
    replace: "preferred",
    tests: cancel
  },
  {
    name: "`Prefer: respond-async` is ignored",
    law: "S1-04",
    file: cancelRoute,
    find: "preferred || call.wait === false",
    replace: "call.wait === false",
    tests: cancel
  },
  {
    name: "a preference is not said to be applied",
    law: "S1-04",
    file: cancelRoute,
    find: "headers: preferred ? preferenceApplied : {}",
    replace: "headers: {}",
    tests: cancel
  },
  {
    name: "any preference that has respond-async in it counts",
    law: "S1-04",
    file: prefersAsync,
    find: "/(?:^|,)\\s*respond-async\\s*(?:[,;]|$)/i",
    replace: "/respond-async/i",
    tests: cancel
  },
  {
    name: "the reason of a cancel is dropped",
    law: "K19",
    file: "src/http/internal/authorize.ts",
    find: "if (by === undefined) return Effect.succeed(CancelReason.request(said))",
    replace: "if (by === undefined) return Effect.succeed(CancelReason.request())",
    tests: cancel
  },
  {
    name: "the grace that a client asks for is dropped",
    law: "K12",
    file: cancelOptions,
    find: "grace: call.grace ?? cancel.grace",
    replace: "grace: cancel.grace",
    tests: cancel
  },
  {
    name: "the grace of a definition is dropped",
    law: "K12",
    file: cancelOptions,
    find: "grace: call.grace ?? cancel.grace",
    replace: "grace: call.grace",
    tests: cancel
  },
  {
    name: "the bound that a client asks for is dropped",
    law: "K12",
    file: cancelOptions,
    find: "giveUp: call.giveUp ?? cancel.giveUp",
    replace: "giveUp: cancel.giveUp",
    tests: cancel
  },
  {
    name: "the bound of a definition is dropped",
    law: "K12",
    file: cancelOptions,
    find: "giveUp: call.giveUp ?? cancel.giveUp",
    replace: "giveUp: call.giveUp",
    tests: cancel
  },
  {
    name: "a cancel of an unknown task does not carry its answer",
    law: "K37",
    file: cancelRoute,
    find: 'taskNotFound(id, { result: encodeResult({ _tag: "NotFound", id }) })',
    replace: "taskNotFound(id)",
    tests: cancel
  },
  {
    name: "a cancel of an unknown task is not logged",
    law: "S1-09",
    file: cancelRoute,
    find: "Effect.logWarning(`Cancel of ${JSON.stringify(id)}: there is no such task`)",
    replace: "Effect.void",
    tests: cancel
  },
  {
    name: "a cancel is not logged",
    law: "S1-09",
    file: cancelRoute,
    find: 'yield* Effect.logInfo(`Cancel of "${id}": ${result._tag}`)\n',
    replace: "",
    tests: cancel
  },
  {
    name: "an unknown name starts nothing, and says so with 400",
    law: "S1-03",
    file: startRoute,
    find: 'code: "unknown-name"',
    replace: 'code: "invalid-request"',
    tests: start
  },
  {
    name: "a start of a task that has ended says that it runs",
    law: "K37",
    file: startRoute,
    find: 'state === "completed" || state === "failed" || state === "cancelled"',
    replace: 'state === "completed"',
    tests: start
  },
  {
    name: "a start of a task that runs says that it has ended",
    law: "K37",
    file: startRoute,
    find: 'state === "completed" || state === "failed" || state === "cancelled"',
    replace: "true as boolean",
    tests: start
  },
  {
    name: "an ended task is replaced unasked",
    law: "K37",
    file: startRoute,
    find: 'const replace = query.replace === "true"',
    replace: "const replace = true as boolean",
    tests: start
  },
  {
    name: "an ended task is not replaced though that was asked",
    law: "K37",
    file: startRoute,
    find: 'const replace = query.replace === "true"',
    replace: "const replace = false as boolean",
    tests: start
  },
  {
    name: "who is refused for too many tasks is not told when to come back",
    law: "D8",
    file: startRoute,
    find: 'headers: { "retry-after": "1" }',
    replace: "headers: {}",
    tests: start
  },
  {
    name: "who is refused while the server drains is not told when to come back",
    law: "S1x-24",
    file: "src/http/Drain.ts",
    find: 'headers: { "retry-after": String(seconds) }',
    replace: "headers: {}",
    tests: ["test/http/Drain.test.ts", ...start]
  },
  {
    name: "a start has no place",
    law: "S1-03",
    file: startRoute,
    find: "headers: { location: links.self }",
    replace: "headers: {}",
    tests: start
  },
  {
    name: "a start answers 200",
    law: "S1-03",
    file: startRoute,
    find: "{ status: 202, headers: { location",
    replace: "{ status: 200, headers: { location",
    tests: start
  },
  {
    name: "the id that a client chose is ignored",
    law: "S1-03",
    file: startRoute,
    find: "query.id ?? `${name}",
    replace: "`${name}",
    tests: start
  },
  {
    name: "ids of one name repeat",
    law: "S1-03",
    file: startRoute,
    find: "`${name}-${randomName(fiber.getRef(Random.Random))}`",
    replace: "`${name}-1`",
    tests: start
  },
  {
    name: "the list is not filtered by state",
    law: "S1-11",
    file: selecting,
    find: "(state === undefined || state === info.state) &&\n",
    replace: "",
    tests: read
  },
  {
    name: "the list is not filtered by name",
    law: "S1-11",
    file: selecting,
    find: "(name === undefined || name === kind.definition.name) &&\n",
    replace: "",
    tests: read
  },
  {
    name: "an unknown task is a defect",
    law: "S1-11",
    file: authorize,
    find: "return Effect.fail(taskNotFound(id))",
    replace: "return Effect.die(id)",
    tests: [...read, "test/http/EventStream.test.ts"]
  },
  {
    name: "the tree is JSON whatever is asked for",
    law: "K43",
    file: readRoutes,
    find: 'request.headers["accept"]?.includes("text/plain")',
    replace: "(false as boolean)",
    tests: read
  },
  {
    name: "a wrong method on a known path says that there is no such path",
    law: "D8",
    file: noRoute,
    find: "methods?.includes(method) === true ? undefined : methods",
    replace: "(methods, undefined as string | undefined)",
    tests: none
  },
  {
    name: "a wrong method is not told the right one",
    law: "D8",
    file: noRoute,
    find: "              headers: { allow }\n",
    replace: "",
    tests: none
  },
  {
    name: "a query hides a known path",
    law: "D8",
    file: noRoute,
    find: 'url.split("?")[0]!',
    replace: "url",
    tests: none
  },
  {
    name: "the arrival of a start is an instant of the wall clock",
    law: "K33",
    file: "src/http/internal/startRoute.ts",
    find: "const arrived = steady(fiber.getRef(Clock.Clock))",
    replace: "const arrived = fiber.getRef(Clock.Clock).currentTimeMillisUnsafe()",
    tests: ["test/http/faults.clock.test.ts"]
  }
]
