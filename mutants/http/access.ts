/** Breaks of who may do what (S1x-40): access, tokens, other origins, other hosts. */
import type { Mutant } from "../Mutant.ts"

const access = ["test/http/TaskAccess.test.ts"]
const tokens = ["test/http/BearerTokens.test.ts"]
const cors = ["test/http/Cors.test.ts"]
const host = ["test/http/internal/hostGuard.test.ts"]
const body = ["test/http/JsonBody.test.ts"]
const authorize = "src/http/internal/authorize.ts"
const taskAccess = "src/http/TaskAccess.ts"
const bearer = "src/http/BearerTokens.ts"
const presented = "src/http/internal/presentedToken.ts"
const crossOrigin = "src/http/Cors.ts"
const guard = "src/http/internal/hostGuard.ts"
const events = "src/http/internal/eventsRoute.ts"
const server = "src/http/TaskServer.ts"
const startRoute = "src/http/internal/startRoute.ts"
const jsonText = "src/http/internal/jsonText.ts"

export const mutants: ReadonlyArray<Mutant> = [
  {
    name: "a task that one may not read is there",
    law: "S1x-40",
    file: authorize,
    find: 'Option.isNone(found) || !may(visitor, "read", found.value)',
    replace: "Option.isNone(found)",
    tests: access
  },
  {
    name: "who may read may do everything",
    law: "S1x-40",
    file: authorize,
    find: 'action === "read" || may(visitor, action, found.value)',
    replace: "(action as string) !== visitor.id",
    tests: access
  },
  {
    name: "the tree is for all",
    law: "S1x-40",
    file: authorize,
    find: "mayInspect ? Effect.void",
    replace: "mayInspect || true ? Effect.void",
    tests: access
  },
  {
    name: "who may not start a task starts it",
    law: "S1x-40",
    file: startRoute,
    find: "yield* admitStart(visitor, { name, id, labels })\n",
    replace: "",
    tests: access
  },
  {
    name: "who starts under the id of another learns whether its task runs",
    law: "S1x-40",
    file: authorize,
    find: 'served === undefined || !may(visitor, "read", served)',
    replace: "false as boolean",
    tests: access
  },
  {
    name: "the ended task of another is replaced by who may only read it",
    law: "S1x-40",
    file: authorize,
    find: 'replace && !may(visitor, "cancel", served)',
    replace: "false as boolean",
    tests: access
  },
  {
    name: "a task does not remember who started it",
    law: "S1x-40",
    file: startRoute,
    find: "owner: visitor.id,",
    replace: "owner: undefined,",
    tests: access
  },
  {
    name: "who is identified cancels in the name of another",
    law: "S1x-40",
    file: authorize,
    find: "if (said?.by === undefined || said.by === by) return Effect.succeed(CancelReason.request({ ...said, by }))",
    replace: "if (visitor !== undefined) return Effect.succeed(CancelReason.request({ by, ...said }))",
    tests: access
  },
  {
    name: "a cancel does not say who it was that was identified",
    law: "S1x-40",
    file: authorize,
    find: "CancelReason.request({ ...said, by })",
    replace: "CancelReason.request(said)",
    tests: access
  },
  {
    name: "a body is read before it is asked who sent it",
    law: "S1x-40",
    file: "src/http/internal/cancelRoute.ts",
    find: "const visitor = yield* enter(server, request)\n  const body = yield* JsonBody.read(request, server.bodyLimit, server.cors)\n",
    replace:
      "const body = yield* JsonBody.read(request, server.bodyLimit, server.cors)\n  const visitor = yield* enter(server, request)\n",
    tests: access
  },
  {
    name: "who may only watch stops a task by leaving",
    law: "S1x-40",
    file: events,
    find: ' && may(visitor, "cancel", served)',
    replace: "",
    tests: access
  },
  {
    name: "a task that was left is not told by whom",
    law: "S1x-40",
    file: events,
    find: "CancelReason.disconnect({ by: id })",
    replace: "CancelReason.disconnect()",
    tests: access
  },
  {
    name: "an anonymous caller owns what other anonymous ones started",
    law: "S1x-40",
    file: taskAccess,
    find: "caller.id !== undefined && ",
    replace: "",
    tests: access
  },
  {
    name: "without being told so, everybody is shown the tree",
    law: "S1x-40",
    file: taskAccess,
    find: "inspect = () => false",
    replace: "inspect = () => true",
    tests: ["test/http/TaskAccess.test.ts", "test/http/BearerTokens.test.ts"]
  },
  {
    name: "who did not say who it is gets no challenge",
    law: "S1x-40",
    file: taskAccess,
    find: 'headers: { "www-authenticate": challenge }',
    replace: "headers: { challenge }",
    tests: access
  },
  {
    name: "the query of a request stands in the log",
    law: "S1x-40",
    file: server,
    find: '${url.split("?")[0]} failed',
    replace: "${url} failed",
    tests: access
  },
  {
    name: "any token is that of the last caller",
    law: "S1x-40",
    file: bearer,
    find: "if (equal(entry.digest, digest)) caller = entry.caller",
    replace: "caller = entry.caller",
    tests: tokens
  },
  {
    name: "tokens are told apart by the last byte of their hashes",
    law: "S1x-40",
    file: bearer,
    find: "differing |= self[index]! ^ that[index]!",
    replace: "differing = self[index]! ^ that[index]!",
    tests: tokens
  },
  {
    name: "the hash of a token is a token",
    law: "S1x-40",
    file: bearer,
    find: "const digest = hash === undefined ? digestOf(text) :",
    replace: "const digest = (hash as unknown) !== text ? digestOf(text) :",
    tests: tokens
  },
  {
    name: "a wrong token is an anonymous caller",
    law: "S1x-40",
    file: bearer,
    find: 'caller === undefined ? refused("This token is not known")',
    replace:
      'caller === undefined ? (anonymous === undefined ? refused("This token is not known") : Effect.succeed(anonymous))',
    tests: tokens
  },
  {
    name: "a short token is taken",
    law: "S1x-40",
    file: bearer,
    find: "token.length < 16",
    replace: "token.length < 1",
    tests: tokens
  },
  {
    name: "one token stands for two",
    law: "S1x-40",
    file: bearer,
    find: "if (other !== undefined) {",
    replace: "if (other === caller as unknown) {",
    tests: tokens
  },
  {
    name: "a mistake in the configuration shows the token",
    law: "S1x-40",
    file: bearer,
    find: 'is not of the form "caller=token"`)',
    replace: 'is not of the form "caller=token": ${entry}`)',
    tests: tokens
  },
  {
    name: "a scheme that is not Bearer carries a token",
    law: "S1x-40",
    file: presented,
    find: "/^Bearer +(",
    replace: "/^[a-z]+ +(",
    tests: tokens
  },
  {
    name: "the name of the scheme is read to the letter",
    law: "S1x-40",
    file: presented,
    find: "=*)$/i.exec",
    replace: "=*)$/.exec",
    tests: tokens
  },
  {
    name: "a malformed header is as none",
    law: "S1x-40",
    file: presented,
    find: "if (authorization !== undefined) {",
    replace: 'if (authorization?.startsWith("Bearer ")) {',
    tests: tokens
  },
  {
    name: "a token stands in the query unasked",
    law: "S1x-40",
    file: presented,
    find: "inQuery ? inUrl(method, url) : []",
    replace: "(inQuery, inUrl(method, url))",
    tests: tokens
  },
  {
    name: "a token stands in the query of any route",
    law: "S1x-40",
    file: presented,
    find: "!/^\\/tasks\\/[^/]+\\/events$/.test(path!)",
    replace: "path === undefined",
    tests: tokens
  },
  {
    name: "two tokens in the query are one",
    law: "S1x-40",
    file: presented,
    find: 'if (queried.length > 1) return malformed("Send one access_token")\n',
    replace: "",
    tests: tokens
  },
  {
    name: "a token in the query hides behind that of the header",
    law: "S1x-40",
    file: presented,
    find: 'if (queried.length > 0) return malformed("Send the token in the header or in the query, not in both")\n',
    replace: "",
    tests: tokens
  },
  {
    name: "OpenAPI does not say that one may come without a token",
    law: "S1x-40",
    file: "src/http/internal/secured.ts",
    find: "optional ? [{}] : []",
    replace: "optional ? [] : []",
    tests: tokens
  },
  {
    name: "a page of any origin is one of ours",
    law: "S1x-40",
    file: crossOrigin,
    find: '!cors?.origins.has(origin) && origin.replace(/^https?:\\/\\//, "") !== host',
    replace: "false as boolean",
    tests: cors
  },
  {
    name: "a page of a listed origin may read, but not write",
    law: "S1x-40",
    file: crossOrigin,
    find: "!cors?.origins.has(origin) && origin.replace",
    replace: "origin.replace",
    tests: cors
  },
  {
    name: "an image of a foreign page follows a task",
    law: "S1x-40",
    file: crossOrigin,
    find: 'site === "cross-site" || site === "same-site"',
    replace: 'site === ""',
    tests: cors
  },
  {
    name: "an event stream is for pages of any origin",
    law: "S1x-40",
    file: authorize,
    find: 'action === "events" && Cors.isForeign(request.headers, server.cors)',
    replace: "false as boolean",
    tests: cors
  },
  {
    name: "an answer to a listed page may be kept for others",
    law: "S1x-40",
    file: crossOrigin,
    find: 'vary: vary === undefined ? "Origin" : `${vary}, Origin`,\n',
    replace: "",
    tests: cors
  },
  {
    name: "an answer forgets what else it varies by",
    law: "S1x-40",
    file: crossOrigin,
    find: 'vary === undefined ? "Origin" : `${vary}, Origin`',
    replace: '"Origin"',
    tests: cors
  },
  {
    name: "any origin is answered as a listed one",
    law: "S1x-40",
    file: crossOrigin,
    find: "origin === undefined || !origins.has(origin)",
    replace: "origin === undefined",
    tests: cors
  },
  {
    name: "cookies are for listed pages unasked",
    law: "S1x-40",
    file: crossOrigin,
    find: "credentials = false",
    replace: "credentials = true",
    tests: cors
  },
  {
    name: "the preflight of a stranger is passed",
    law: "S1x-40",
    file: crossOrigin,
    find: "if (isForeign(headers, cors)) return open(cors, headers, toResponse(foreign))\n",
    replace: "",
    tests: cors
  },
  {
    name: "a page may not send its token",
    law: "S1x-40",
    file: crossOrigin,
    find: '"authorization, content-type',
    replace: '"content-type',
    tests: cors
  },
  {
    name: "a listed page cannot read where its task is",
    law: "S1x-40",
    file: crossOrigin,
    find: '"location, preference-applied',
    replace: '"preference-applied',
    tests: cors
  },
  {
    name: "an origin that no browser sends is listed",
    law: "S1x-40",
    file: crossOrigin,
    find: "URL.parse(origin)?.origin !== origin",
    replace: "URL.parse(origin) === null",
    tests: cors
  },
  {
    name: "a preflight of a path that there is not is passed",
    law: "S1x-40",
    file: "src/http/internal/noRoute.ts",
    find: 'method === "OPTIONS" && cors !== undefined && methods !== undefined',
    replace: 'method === "OPTIONS" && cors !== undefined',
    tests: cors
  },
  {
    name: "any host will do",
    law: "S1x-40",
    file: guard,
    find: 'isKnown((headers["host"] ?? "").toLowerCase())',
    replace: "isKnown(hosts[0]!)",
    tests: host
  },
  {
    name: "a host is known only with the port that it is listed with",
    law: "S1x-40",
    file: guard,
    find: ' || known.has(host.replace(/:\\d+$/, ""))',
    replace: "",
    tests: host
  },
  {
    name: "a host is written in one case",
    law: "S1x-40",
    file: guard,
    find: '?? "").toLowerCase()',
    replace: '?? "")',
    tests: host
  },
  {
    name: "a probe by address is refused",
    law: "S1x-40",
    file: guard,
    find: " || isProbe(url)",
    replace: ' || isProbe("")',
    tests: host
  },
  {
    name: "bytes that are no text are taken for other text",
    law: "D8",
    file: jsonText,
    find: "{ fatal: true }",
    replace: "{ fatal: false }",
    tests: body
  },
  {
    name: "nobody hears that an access protects nothing",
    law: "D8",
    file: "src/http/TaskAccess.ts",
    find: "(taken ? Effect.void : Effect.logWarning(nobodyTookIt))",
    replace: "(taken ? Effect.logWarning(nobodyTookIt) : Effect.void)",
    tests: ["test/http/TaskAccess.test.ts"]
  },
  {
    name: "a server that took the access is told that nobody did",
    law: "D8",
    file: "src/http/TaskAccess.ts",
    find: "        get security() {\n          taken = true\n",
    replace: "        get security() {\n",
    tests: ["test/http/TaskAccess.test.ts"]
  }
]
