/** Breaks of what crosses the wire: problem documents, bodies, outcomes and views (DESIGN section 8, K21). */
import type { Mutant } from "../Mutant.ts"

const cancel = ["test/http/internal/cancelRoute.test.ts"]
const start = ["test/http/internal/startRoute.test.ts"]
const read = ["test/http/internal/readRoutes.test.ts"]
const server = ["test/http/TaskServer.test.ts"]
const body = ["test/http/JsonBody.test.ts"]
const call = ["test/http/CancelCall.test.ts"]
const events = ["test/http/EventStream.test.ts"]
const problem = "src/http/Problem.ts"
const json = "src/http/JsonBody.ts"
const outcome = "src/http/internal/said.ts"
const view = "src/http/TaskView.ts"
const taskServer = "src/http/TaskServer.ts"
const patience = "src/http/CancelCall.ts"
const task = "src/http/internal/taskBody.ts"

const sizes = ["test/http/faults.sizes.test.ts"]
const unsayable = ["test/http/faults.schemas.test.ts"]
const jsonText = "src/http/internal/jsonText.ts"

const bodyBytes = "src/http/internal/bodyBytes.ts"
const bytes = ["test/http/internal/bodyBytes.test.ts"]

export const mutants: ReadonlyArray<Mutant> = [
  {
    name: "only the first field that is wrong is named",
    law: "D8",
    file: problem,
    find: 'errors: "all"',
    replace: 'errors: "first"',
    tests: start
  },
  {
    name: "a field that is not known is let through",
    law: "D8",
    file: problem,
    find: 'onExcessProperty: "error"',
    replace: 'onExcessProperty: "ignore"',
    tests: start
  },
  {
    name: "a field in a list is named without its place",
    law: "D8",
    file: problem,
    find: "return `${at}[${key}]`",
    replace: "return at",
    tests: start
  },
  {
    name: "a field in a field is named by its own name only",
    law: "D8",
    file: problem,
    find: 'return at === "" ? String(key) : `${at}.${String(key)}`',
    replace: "return String(key)",
    tests: start
  },
  {
    name: "a problem says not in which part of the request it is",
    law: "D8",
    file: problem,
    find: "in: part,",
    replace: 'in: "body" as const,',
    tests: start
  },
  {
    name: "a problem is plain JSON",
    law: "D8",
    file: problem,
    find: "{ status: document.status, contentType, headers: problem.headers }",
    replace: "{ status: document.status, headers: problem.headers }",
    tests: [...start, ...read]
  },
  {
    name: "a problem loses its headers",
    law: "D8",
    file: problem,
    find: "{ status: document.status, contentType, headers: problem.headers }",
    replace: "{ status: document.status, contentType }",
    tests: start
  },
  {
    name: "a problem loses what it carries",
    law: "D8",
    file: problem,
    find: "status, detail, ...extension }",
    replace: "status, detail }",
    tests: start
  },
  {
    name: "a web page of another origin may start tasks",
    law: "D8",
    file: json,
    find: "  Cors.isForeign(request.headers, cors)\n",
    replace: "  false as boolean\n",
    tests: [...body, ...start]
  },
  {
    name: "a body over the limit is a broken body",
    law: "D8",
    file: json,
    find: "isTooLarge(reason) ? tooLarge(limit) : notJson",
    replace: "false ? tooLarge(limit) : notJson",
    tests: body
  },
  {
    name: "a connection whose body was not read is kept",
    law: "D8",
    file: json,
    find: '    headers: { connection: "close" }\n',
    replace: "",
    tests: body
  },
  {
    name: "an empty body is not JSON",
    law: "D8",
    file: json,
    find: 'if (text.trim() === "") return Result.succeed({})\n',
    replace: "",
    tests: [...start, ...cancel]
  },
  {
    name: "a body of any type is taken for JSON",
    law: "D8",
    file: json,
    find: "contentType !== undefined && ",
    replace: "contentType === undefined || true || ",
    tests: body
  },
  {
    name: "a type that only begins as JSON is taken for JSON",
    law: "D8",
    file: json,
    find: "json\\s*(?:;|$)/i",
    replace: "json/i",
    tests: body
  },
  {
    name: "a body that nests without end is followed down",
    law: "D8",
    file: jsonText,
    find: "if (++depth > maxDepth) return true",
    replace: "++depth",
    tests: body
  },
  {
    name: "the part of a body that has come is taken for the whole",
    law: "D8",
    file: bodyBytes,
    find: "arrived(source, length) ? taken",
    replace: "source.readableLength > 0 ? taken",
    tests: bytes
  },
  {
    name: "who reads a body again finds it empty",
    law: "D8",
    file: bodyBytes,
    find: ";(request as Kept).arrayBufferEffect =",
    replace: ";({} as Kept).arrayBufferEffect =",
    tests: bytes
  },
  {
    name: "a body that comes in chunks may be longer than its limit if it says a length too",
    law: "D8",
    file: bodyBytes,
    find: ' && source.headers["transfer-encoding"] === undefined',
    replace: "",
    tests: bytes
  },
  {
    name: "a body may be longer than its limit if it says so",
    law: "D8",
    file: bodyBytes,
    find: "length <= limit && (bound",
    replace: "length >= 0 && (bound",
    tests: bytes
  },
  {
    name: "brackets in text count as nesting",
    law: "D8",
    file: jsonText,
    find: "} else if (char === quote) inString = true",
    replace: "} else if (char === quote) inString = false",
    tests: body
  },
  {
    name: "an escaped quote ends a text",
    law: "D8",
    file: jsonText,
    find: "if (char === backslash) index++\n      else if",
    replace: "if",
    tests: body
  },
  {
    name: "brackets that close do not count",
    law: "D8",
    file: jsonText,
    find: "else if (char === closing.array || char === closing.object) depth--",
    replace: "",
    tests: body
  },
  {
    name: "a client reads the defect of a task",
    law: "S1-05",
    file: outcome,
    find: "failure === undefined ? PublicOutcome.internalError",
    replace: "failure === undefined ? String(outcome.cause)",
    tests: server
  },
  {
    name: "a client does not read the partial result of a cancelled task",
    law: "K17",
    file: outcome,
    find: '"partial" in outcome ?',
    replace: '(false as boolean) && "partial" in outcome ?',
    tests: [...cancel, ...events]
  },
  {
    name: "a client reads an ended task as if it were running",
    law: "S1-11",
    file: view,
    find: "...(Option.isNone(outcome) ? {} :",
    replace: "...((true as boolean) || Option.isNone(outcome) ? {} :",
    tests: read
  },
  {
    name: "a view does not say when its task ended",
    law: "S1-11",
    file: view,
    find: '...instant("endedAt", info.endedAt),\n',
    replace: "",
    tests: read
  },
  {
    name: "a view does not tell the payload",
    law: "S1-11",
    file: view,
    find: "    payload,\n",
    replace: "    payload: null,\n",
    tests: read
  },
  {
    name: "two tasks may have one name",
    law: "D8",
    file: taskServer,
    find: "if (kinds.has(definition.name)) {",
    replace: "if (false as boolean) {",
    tests: server
  },
  {
    name: "the limit of a body cannot be set",
    law: "D8",
    file: taskServer,
    find: "ByteSize.fromInputUnsafe(options.bodyLimit)",
    replace: "ByteSize.kibibytes(64)",
    tests: body
  },
  {
    name: "a success that its schema does not allow is a success",
    law: "S1-05",
    file: task,
    find: "Effect.map(codecs.success(value), (json) => {",
    replace: "Effect.map(Effect.succeed(null), (json) => {",
    tests: server
  },
  {
    name: "an error that its schema does not allow is a failure",
    law: "S1-05",
    file: task,
    find: "Effect.andThen(encodeError(kind, said, cause), Effect.failCause(cause))",
    replace: "Effect.failCause(cause)",
    tests: server
  },
  {
    name: "a partial result that its schema does not allow is kept",
    law: "S1-05 K17",
    file: task,
    find: "Effect.flatMap(codecs.partial(value), (json) => {",
    replace: "Effect.flatMap(Effect.succeed(null), (json) => {",
    tests: server
  },
  {
    name: "what a task said is encoded when it is read",
    law: "S1-05",
    file: task,
    find: "Effect.flatMap(encode(value), emit)",
    replace: "emit(value as Json)",
    tests: server
  },
  {
    name: "a defect of a task is not logged",
    law: "S1-05",
    file: task,
    find: "Cause.hasDies(cause)\n",
    replace: "(false as boolean) && Cause.hasDies(cause)\n",
    tests: server
  },
  {
    name: "every failure of a task is logged as a defect",
    law: "S1-05",
    file: task,
    find: "Cause.hasDies(cause)\n",
    replace: "(true as boolean) || Cause.hasDies(cause)\n",
    tests: server
  },
  {
    name: "an implementation that throws breaks the server",
    law: "S1-05",
    file: task,
    find: "    Effect.suspend(() =>\n      run(payload, {",
    replace: "    ((f: () => Effect.Effect<unknown, unknown>) => f())(() =>\n      run(payload, {",
    tests: server
  },
  {
    name: "patience may be negative",
    law: "D8",
    file: patience,
    find: "Option.isSome(duration) && Duration.isGreaterThanOrEqualTo(duration.value, Duration.zero)",
    replace: "Option.isSome(duration)",
    tests: call
  },
  {
    name: "patience without bound cannot be written",
    law: "D8",
    file: patience,
    find: 'Duration.isFinite(duration) ? Duration.toMillis(duration) : "Infinity"',
    replace: "Duration.toMillis(duration)",
    tests: call
  },
  {
    name: "a task that is given up on has no view",
    law: "K12",
    file: view,
    find: "state: info.state,",
    replace: 'state: info.state === "straggling" ? "cancelled" : info.state,',
    tests: [...read, ...cancel, ...events]
  },
  {
    name: "a megabyte of wrong fields is answered by twenty",
    law: "D8",
    file: problem,
    find: "issues.slice(0, maxErrors)",
    replace: "issues",
    tests: sizes
  },
  {
    name: "a field is repeated however long it is",
    law: "D8",
    file: problem,
    find: "text.length > 300",
    replace: "text.length > 3_000_000",
    tests: sizes
  },
  {
    name: "a value that JSON cannot say is found out where the last event is written",
    law: "K38",
    file: "src/http/internal/codecs.ts",
    find: 'if (typeof encoded === "string") return',
    replace: 'if (typeof encoded !== "function") return',
    tests: unsayable
  }
]
