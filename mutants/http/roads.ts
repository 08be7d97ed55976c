/** Breaks of the roads of a cancel: many at once, labels, limits, the deadline of the caller. */
import type { Mutant } from "../Mutant.ts"

const access = ["test/http/TaskAccess.test.ts"]
const bulk = ["test/http/internal/bulkCancelRoute.test.ts"]
const labels = ["test/http/TaskLabel.test.ts"]
const limits = ["test/http/limits.test.ts"]
const bulkCancel = "src/http/BulkCancel.ts"
const bulkCancelRoute = "src/http/internal/bulkCancelRoute.ts"
const cancelCall = "src/http/CancelCall.ts"
const selecting = "src/http/internal/selecting.ts"
const startRoute = "src/http/internal/startRoute.ts"
const taskLabel = "src/http/TaskLabel.ts"

export const mutants: ReadonlyArray<Mutant> = [
  {
    name: "a bulk cancel that names nothing cancels everything",
    law: "D8",
    file: bulkCancel,
    find: "Object.keys(selectors).some((selector) => selector in call) || nothingSelected",
    replace: "Object.keys(call).length >= 0 || nothingSelected",
    tests: bulk
  },
  {
    name: "a bulk cancel by no label at all cancels everything",
    law: "D8",
    file: bulkCancel,
    find: 'Labels.check(Schema.isMinLength(1, { expected: "at least one label" }))',
    replace: "Labels",
    tests: bulk
  },
  {
    name: "a bulk cancel may name any number of ids",
    law: "D8",
    file: bulkCancel,
    find: ".check(Schema.isMaxLength(maxIds, { expected: `at most ${maxIds} ids` }))",
    replace: "",
    tests: bulk
  },
  {
    name: "2,000 long ids do not fit into a bulk cancel",
    law: "K36",
    file: bulkCancelRoute,
    find: "ByteSize.max(server.bodyLimit, bodyLimit)",
    replace: "server.bodyLimit",
    tests: bulk
  },
  {
    name: "many are told one after another",
    law: "K4",
    file: bulkCancelRoute,
    find: "  const answers = yield* tell(\n    found.map(({ served }) => served.task),\n    (_, index) => cancelOptions(call, reason, found[index]!.served.kind.definition)\n  )\n",
    replace:
      "  const answers = (yield* Effect.forEach(found, ({ served }) => tell([served.task], () => cancelOptions(call, reason, served.kind.definition)))).flat()\n",
    tests: bulk
  },
  {
    name: "all that are cancelled together have the policy of the first",
    law: "K12",
    file: bulkCancelRoute,
    find: "found[index]!.served.kind.definition",
    replace: "found[index * 0]!.served.kind.definition",
    tests: bulk
  },
  {
    name: "a bulk cancel waits although it was told not to",
    law: "S1-04",
    file: bulkCancelRoute,
    find: "preferred || call.wait === false",
    replace: "preferred",
    tests: bulk
  },
  {
    name: "a bulk cancel ignores `Prefer: respond-async`",
    law: "S1-04",
    file: bulkCancelRoute,
    find: "preferred || call.wait === false",
    replace: "call.wait === false",
    tests: bulk
  },
  {
    name: "a bulk cancel that was not waited for answers 200",
    law: "S1-04",
    file: bulkCancelRoute,
    find: '=== "Requested") ? 202 : 200',
    replace: '=== "Requested") ? 200 : 200',
    tests: bulk
  },
  {
    name: "a bulk cancel by label answers for all that ended long ago",
    law: "K36",
    file: bulkCancelRoute,
    find: "call.state === undefined && !open.has(",
    replace: "(false as boolean) && !open.has(",
    tests: bulk
  },
  {
    name: "a bulk cancel by state leaves out what has ended",
    law: "K36",
    file: bulkCancelRoute,
    find: "call.state === undefined && !open.has(",
    replace: "!open.has(",
    tests: bulk
  },
  {
    name: "a bulk cancel does not answer for an unknown id",
    law: "K36",
    file: selecting,
    find: "if (selectors.ids !== undefined) selected.push({ id })",
    replace: "",
    tests: bulk
  },
  {
    name: "an id that is named twice has two answers",
    law: "K36",
    file: selecting,
    find: "new Set(selectors.ids ?? known.keys())",
    replace: "selectors.ids ?? known.keys()",
    tests: bulk
  },
  {
    name: "one label of several is enough",
    law: "K36",
    file: selecting,
    find: "labels.every(",
    replace: "labels.some(",
    tests: [...labels, ...bulk]
  },
  {
    name: "the labels of a start are forgotten",
    law: "D8",
    file: startRoute,
    find: "query.label === undefined ? none : Array.from(new Set(query.label))",
    replace: "none",
    tests: labels
  },
  {
    name: "a bulk cancel of everything cancels what the caller may only look at",
    law: "S1x-40",
    file: bulkCancelRoute,
    find: "!isForbidden(one) && !ended(one)",
    replace: "!ended(one)",
    tests: access
  },
  {
    name: "a bulk cancel by ids cancels what the caller may only look at",
    law: "S1x-40",
    file: bulkCancelRoute,
    find: "forbidden === undefined ? Effect.succeed(selected)",
    replace: "forbidden !== selected ? Effect.succeed(selected)",
    tests: access
  },
  {
    name: "a list or bulk cancel tells of tasks that the caller may not know of",
    law: "S1x-40",
    file: selecting,
    find: ' || !may(visitor, "read", served.value)',
    replace: "",
    tests: access
  },
  {
    name: "a rule does not see the labels of a task",
    law: "S1x-40",
    file: "src/http/internal/authorize.ts",
    find: "  owner,\n  labels\n})",
    replace: "  owner,\n  labels: []\n})",
    tests: access
  },
  {
    name: "a label that is given twice is kept twice",
    law: "D8",
    file: startRoute,
    find: "query.label === undefined ? none : Array.from(new Set(query.label))",
    replace: "query.label ?? none",
    tests: labels
  },
  {
    name: "any text is a label",
    law: "D8",
    file: taskLabel,
    find: "[A-Za-z0-9._:=/@-]{1,64}",
    replace: "[^]*",
    tests: labels
  },
  {
    name: "a task may have any number of labels",
    law: "D8",
    file: taskLabel,
    find: ".check(\n  Schema.isMaxLength(maxLabels, { expected: `at most ${maxLabels} labels` })\n)",
    replace: "",
    tests: labels
  },
  {
    name: "one label alone is not taken",
    law: "D8",
    file: startRoute,
    find: "Schema.toCodecArrayFromSingle(StartQuery)",
    replace: "StartQuery",
    tests: labels
  },
  {
    name: "a reason may be of any length",
    law: "D8",
    file: cancelCall,
    find: ".check(Schema.isMaxLength(most, { expected: `at most ${most} characters` }))",
    replace: "",
    tests: ["test/http/internal/cancelRoute.test.ts", ...bulk]
  },
  {
    name: "the limit of the server counts before that of the definition",
    law: "S1-62",
    file: startRoute,
    find: "timeLimit = server.timeLimit } = kind.definition",
    replace: "timeLimit: own } = kind.definition\n  const timeLimit = server.timeLimit ?? own",
    tests: limits
  },
  {
    name: "the limit of the server is for nobody",
    law: "S1-62",
    file: startRoute,
    find: "timeLimit = server.timeLimit } = kind.definition",
    replace: "timeLimit } = kind.definition",
    tests: limits
  },
  {
    name: "nothing bounds how much time a task can get by asking",
    law: "S1-67",
    file: startRoute,
    find: "timeLimit, maxTimeLimit, deadline: left",
    replace: "timeLimit, deadline: left",
    tests: limits
  },
  {
    name: "a limit has none of the definition's patience",
    law: "K12",
    file: startRoute,
    find: "deadline: left, overdue }",
    replace: "deadline: left }",
    tests: limits
  },
  {
    name: "the caller's deadline is ignored",
    law: "K33",
    file: startRoute,
    find: "deadline: left, overdue }",
    replace: "overdue }",
    tests: limits
  },
  {
    name: "the caller's time stands still while the body is on its way",
    law: "K33",
    file: startRoute,
    find: "deadline - steady(fiber.getRef(Clock.Clock))",
    replace: "deadline - steady(fiber.getRef(Clock.Clock)) + 100",
    tests: limits
  },
  {
    name: "the caller's time begins when it is known who it is",
    law: "K33",
    file: startRoute,
    find: "yield* deadlineOf(request, arrived)",
    replace: "yield* deadlineOf(request, yield* Clock.currentTimeMillis)",
    tests: limits
  },
  {
    name: "a limit of zero is taken",
    law: "D8",
    file: "src/http/internal/timeLimit.ts",
    find: "  if (Duration.isZero(limit)) throw new CancelPolicy.InvalidDuration(field, input)\n",
    replace: "",
    tests: limits
  },
  {
    name: "a client cannot see by when a task must have ended",
    law: "S1-62",
    file: "src/http/TaskView.ts",
    find: '    ...instant("deadline", info.deadline),\n',
    replace: "",
    tests: limits
  },
  {
    name: "a duration of any length is looked at",
    law: "D8",
    file: cancelCall,
    find: " && input.length > maxPatience",
    replace: " && input.length < 0",
    tests: ["test/http/CancelCall.test.ts"]
  }
]
