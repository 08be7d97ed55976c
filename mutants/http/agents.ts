/** Breaks of an agent served over HTTP by A2A: bindings, streams, the card, who asks, bad input. */
import type { Mutant } from "../Mutant.ts"

const input = ["test/http/a2a/A2AServer.input.test.ts"]
const streams = ["test/http/a2a/A2AServer.streams.test.ts"]
const access = ["test/http/a2a/A2AServer.access.test.ts"]
const card = ["test/http/a2a/A2AServer.card.test.ts"]
const legacy = ["test/http/a2a/A2AServer.legacy.test.ts"]
const both = ["test/http/a2a/A2AServer.test.ts"]

const at = (name: string): string => `src/http/a2a/internal/${name}.ts`

export const mutants: ReadonlyArray<Mutant> = [
  {
    name: "the end of a stream of an agent is an error of the server",
    law: "S2x-09",
    file: at("agentStream"),
    find: 'this.why = "end"',
    replace: 'throw new Error("ended")',
    tests: both
  },
  {
    name: "a stream of an agent is silent while its task is",
    law: "S2x-09",
    file: at("agentStream"),
    find: "writer === undefined || !this.hasRoom",
    replace: "writer === undefined || this.hasRoom",
    tests: streams
  },
  {
    name: "a stream of an agent is silent for good once it was told something that had no room",
    law: "S2x-09",
    file: at("agentStream"),
    find: "this.hasRoom = true\n      }\n    })\n  }",
    replace: "}\n    })\n  }",
    tests: ["test/http/OpenStreams.fallback.test.ts"]
  },
  {
    name: "a stream of an agent that fails tells nothing",
    law: "S2x-09",
    file: at("agentStream"),
    find: "this.put(writer, new Chunk(`event: error\\ndata: ${framing.failed(failed)}\\n\\n`, 0))",
    replace: "Effect.void",
    tests: streams
  },
  {
    name: "a stream of an agent may be kept by a proxy",
    law: "S2x-09",
    file: at("agentStream"),
    find: '"cache-control": "no-store"',
    replace: '"cache-control": "public"',
    tests: streams
  },
  {
    name: "a stream of an agent over the limit starts its task first",
    law: "S1x-40",
    file: at("jsonRpc"),
    find: "Effect.flatMap(AgentStream.admit(server), (stream) =>\n            Effect.flatMap(follow!(asking, params), (events) =>",
    replace:
      "Effect.flatMap(follow!(asking, params), (events) =>\n            Effect.flatMap(AgentStream.admit(server), (stream) =>",
    tests: streams
  },
  {
    name: "the extensions that were used are not told",
    law: "S2x-06",
    file: at("calls"),
    find: "activatedExtensions === undefined\n    ? undefined",
    replace: "activatedExtensions !== undefined\n    ? undefined",
    tests: streams
  },
  {
    name: "a server that is busy does not say when to come back",
    law: "S2x-06",
    file: at("refusal"),
    find: '? { "retry-after": String(error.retryAfter) }',
    replace: "? undefined",
    tests: streams
  },
  {
    name: "a server that is busy answers 200 by JSON-RPC",
    law: "S2x-06",
    file: at("refusal"),
    find: "error instanceof Unavailable ? error.status : 200",
    replace: "200",
    tests: streams
  },
  {
    name: "a client of A2A that waits and leaves is waited for",
    law: "S2x-09",
    file: at("operations"),
    find: "asking.server.engine.answer(request, asking.call)",
    replace: "Effect.promise(() => Effect.runPromise(asking.server.engine.answer(request, asking.call)))",
    tests: streams
  },
  {
    name: "a message is answered before its task has settled",
    law: "S2x-09",
    file: at("engine"),
    find: "request.configuration?.returnImmediately === true",
    replace: "request.configuration?.returnImmediately !== null",
    tests: both
  },
  {
    name: "the body of an agent is read before it is known who asks",
    law: "S1x-40",
    file: at("jsonRpc"),
    find: "Effect.flatMapEager(enter(server, request), (visitor) =>\n        readJson(server, request, mediaTypes, (body): Answer => {",
    replace:
      "readJson(server, request, mediaTypes, (body) =>\n        Effect.flatMapEager(enter(server, request), (visitor): Answer => {",
    tests: access
  },
  {
    name: "a page of another origin may talk to an agent",
    law: "S1x-40",
    file: at("agentServer"),
    find: "Cors.isForeign(request.headers, server.cors)",
    replace: "Cors.isForeign(request.headers, undefined) === null",
    tests: access
  },
  {
    name: "an agent takes everybody for nobody",
    law: "S1x-40",
    file: at("calls"),
    find: "id === undefined ? anonymous",
    replace: "id !== null ? anonymous",
    tests: access
  },
  {
    name: "who may read a task of an agent may cancel it",
    law: "S1x-40",
    file: at("permitted"),
    find: 'action === "read" || may(asking, action, id)',
    replace: 'action !== "start" || may(asking, action, id)',
    tests: access
  },
  {
    name: "a task of an agent that one may not read is there",
    law: "S1x-40",
    file: at("permitted"),
    find: 'action !== "start" && !may(asking, "read", id)',
    replace: 'action === undefined && !may(asking, "read", id)',
    tests: access
  },
  {
    name: "a list of an agent has what one may not read",
    law: "S1x-40",
    file: at("permitted"),
    find: 'tasks.filter(({ id }) => may(asking, "read", id))',
    replace: 'tasks.filter(({ id }) => may(asking, "start", id))',
    tests: access
  },
  {
    name: "clients of A2A 0.3 may do everything",
    law: "S1x-40",
    file: at("legacyRpc"),
    find: "if (act !== undefined)",
    replace: "if (act === null)",
    tests: access
  },
  {
    name: "clients of A2A 0.3 are served unasked",
    law: "S2x-10",
    file: "src/http/a2a/A2AServer.ts",
    find: 'if (!legacy || binding !== "JSONRPC") versions.delete(legacyVersion)',
    replace: 'if (!legacy) versions.delete("")',
    tests: legacy
  },
  {
    name: "an agent cannot read the headers of its caller",
    law: "S2x-06",
    file: at("calls"),
    find: "[[STATE_HEADERS_KEY, this.headers]]",
    replace: "[[STATE_HEADERS_KEY, {}]]",
    tests: both
  },
  {
    name: "what is put into the state of a call is lost",
    law: "S2x-06",
    file: at("calls"),
    find: "(this.made ??= new Map",
    replace: "(this.made = new Map",
    tests: both
  },
  {
    name: "a version in the query is not read",
    law: "S2x-06",
    file: at("calls"),
    find: '(header ?? queried(url) ?? "").trim()',
    replace: "(header ?? url.slice(0, 0)).trim()",
    tests: legacy
  },
  {
    name: "the patch number of a version counts",
    law: "S2x-06",
    file: at("calls"),
    find: 'said.replace(/^(\\d+\\.\\d+)\\.\\d+$/, "$1")',
    replace: "said",
    tests: legacy
  },
  {
    name: "a client of A2A 0.3 that leaves a silent stream follows it on",
    law: "S2x-09",
    file: at("legacyRpc"),
    find: "Effect.addFinalizer(() => Effect.sync(calls.end))",
    replace: "Effect.addFinalizer(() => Effect.void)",
    tests: legacy
  },
  {
    name: "a client of A2A 0.3 that waits and leaves is waited for",
    law: "S2x-09",
    file: at("legacyCall"),
    find: "{ signal }",
    replace: "signal.aborted ? { signal } : {}",
    tests: legacy
  },
  {
    name: "the card is the same for clients of A2A 0.3",
    law: "S2x-10",
    file: at("cardRoute"),
    find: "legacy !== undefined && versionOf(request) === legacyVersion ? legacy : page",
    replace: 'legacy !== undefined && versionOf(request) === "" ? legacy : page',
    tests: legacy
  },
  {
    name: "a card that has not changed is sent again",
    law: "S2x-06",
    file: at("cardRoute"),
    find: 'given.trim().replace(/^W\\//, "") === etag',
    replace: "given.trim() === etag",
    tests: card
  },
  {
    name: "a card that has changed is taken for the same",
    law: "S2x-06",
    file: at("cardRoute"),
    find: "ifNoneMatch !== undefined &&",
    replace: "ifNoneMatch !== undefined ||",
    tests: card
  },
  {
    name: "required fields of the card that are empty are left out",
    law: "S2x-06",
    file: at("operations"),
    find: '({ description: "", tags: [], ...skill })',
    replace: "({ ...skill })",
    tests: card
  },
  {
    name: "a batch is read as a request",
    law: "D8",
    file: at("jsonRpc"),
    find: 'if (Array.isArray(body)) return notRpc("Batches are not supported; send one request at a time")',
    replace: "",
    tests: input
  },
  {
    name: "what the codecs throw over is an error of the server",
    law: "D8",
    file: at("params"),
    find: 'error instanceof A2AError ? error : new RequestMalformedError("The parameters are not valid")',
    replace: "error as A2AError",
    tests: input
  },
  {
    name: "a part of a message may be anything",
    law: "D8",
    file: at("params"),
    find: 'isObject(part) ? partOf(part) : "must be an object"',
    replace: "isObject(part) ? partOf(part) : undefined",
    tests: input
  },
  {
    name: "a part of a message may have two contents",
    law: "D8",
    file: at("params"),
    find: "if (said !== 1)",
    replace: "if (said === 0)",
    tests: input
  },
  {
    name: "what is no text is made one",
    law: "D8",
    file: at("params"),
    find: 'value !== undefined && value !== null && typeof value !== "string"',
    replace: "value !== undefined && value === params",
    tests: input
  },
  {
    name: "an agent takes bodies of any type",
    law: "D8",
    file: at("bodies"),
    find: "if (given !== undefined && !isOf(mediaTypes, given))",
    replace: 'if (given === "" && !isOf(mediaTypes, given))',
    tests: input
  },
  {
    name: "a rule that throws is answered past the protocol",
    law: "D8",
    file: at("agentServer"),
    find: "Effect.catchCause(Effect.suspend(handle), (",
    replace: "Effect.catchCause(handle(), (",
    tests: ["test/http/a2a/A2AServer.access.test.ts"]
  },
  {
    name: "an agent reads bodies of any size",
    law: "D8",
    file: "src/http/internal/bodyBytes.ts",
    find: "return Effect.updateContext(request.arrayBuffer, Context.add(HttpIncomingMessage.MaxBodySize, limit))",
    replace: "return request.arrayBuffer",
    tests: input
  },
  {
    name: "JSON that nests without end is an error of the server",
    law: "D8",
    file: at("bodies"),
    find: "if (nestsTooDeep(text)) throw",
    replace: 'if (text === "") throw',
    tests: input
  },
  {
    name: "an error of JSON-RPC has no id",
    law: "D8",
    file: at("jsonRpc"),
    find: "          id = idOf(body)\n",
    replace: "          id = idOf(undefined)\n",
    tests: input
  },
  {
    name: "a number twice in the query is the first of the two",
    law: "D8",
    file: at("rest"),
    find: 'typeof value === "string" && /^-?\\d+$/.test(value) ? Number(value) : Number.NaN',
    replace: "Number.parseInt(String(value))",
    tests: input
  },
  {
    name: "false in the query is true",
    law: "S2x-06",
    file: at("rest"),
    find: 'includeArtifacts: includeArtifacts === "true"',
    replace: "includeArtifacts: includeArtifacts !== undefined",
    tests: input
  },
  {
    name: "a method that a path does not allow is answered as a path that is not there",
    law: "D8",
    file: at("noAgentRoute"),
    find: "methods === undefined || methods.includes(method)\n    ?",
    replace: "methods !== null\n    ?",
    tests: input
  },
  {
    name: "a verb of a task that the method does not allow is looked for outside of the agent",
    law: "D8",
    file: at("rest"),
    find: "notAnswered(server.path, request)",
    replace: 'notAnswered("", request)',
    tests: card
  },
  {
    name: "the tenant of the path is not that of the call",
    law: "S2x-06",
    file: at("rest"),
    find: 'callOf(server, "HTTP+JSON", request, visitor, params["tenant"])',
    replace: 'callOf(server, "HTTP+JSON", request, visitor, undefined)',
    tests: both
  },
  {
    name: "the tenant of the parameters is not that of the call",
    law: "S2x-06",
    file: at("jsonRpc"),
    find: 'typeof tenant === "string" ? tenant : undefined',
    replace: "undefined",
    tests: both
  }
]
