/** Errors as they stand on the wire, and the refusals that A2A has no error for: those are told by the HTTP status. */
import { A2A_ERROR_CODE, A2AError, restStatusFor, toJsonRpcError, toRestErrorBody } from "@a2a-js/sdk/errors"
import * as Problem from "../../Problem.ts"
import { Unavailable } from "../Unavailable.ts"

type Headers = Readonly<Record<string, string>>

export class Refusal extends A2AError {
  override readonly reason: string
  readonly status: number
  /** Of JSON-RPC. */
  readonly code: number
  readonly headers: Headers | undefined

  constructor(options: {
    readonly message: string
    readonly reason: string
    readonly status: number
    readonly code?: number | undefined
    readonly headers?: Headers | undefined
  }) {
    super(options.message)
    this.reason = options.reason
    this.status = options.status
    this.code = options.code ?? A2A_ERROR_CODE.INVALID_REQUEST
    this.headers = options.headers
  }
}

/** Of what is not about A2A: who asks, and how much a server bears. */
export const refusalOf = ({ code, detail, headers }: Problem.Problem): Refusal => {
  const [status] = Problem.codes[code]
  return new Refusal({
    message: detail,
    reason: code.toUpperCase().replaceAll("-", "_"),
    status,
    code: status >= 429 ? A2A_ERROR_CODE.INTERNAL_ERROR : A2A_ERROR_CODE.INVALID_REQUEST,
    headers
  })
}

export const notJson = (message: string): Refusal =>
  new Refusal({ message, reason: "PARSE_ERROR", status: 400, code: A2A_ERROR_CODE.PARSE_ERROR })

export const notRpc = (message: string): Refusal =>
  new Refusal({ message, reason: "INVALID_REQUEST", status: 400, code: A2A_ERROR_CODE.INVALID_REQUEST })

export const noMethod = (message: string): Refusal =>
  new Refusal({ message, reason: "METHOD_NOT_FOUND", status: 400, code: A2A_ERROR_CODE.METHOD_NOT_FOUND })

/** What there was is for the log only. */
export const failed: Refusal = /*#__PURE__*/ new Refusal({
  message: "The server failed; its log says why",
  reason: "INTERNAL_ERROR",
  status: 500,
  code: A2A_ERROR_CODE.INTERNAL_ERROR
})

export interface Told {
  readonly status: number
  readonly headers: Headers | undefined
  /** JSON, as text. */
  readonly body: string
}

/** An error of the protocol is an answer like any other: 200. */
export const toldInRpc = (error: A2AError, id: Id): Told => {
  const { code, data, message } =
    error instanceof Refusal
      ? { code: error.code, message: error.message, data: [error.toErrorInfo()] }
      : toJsonRpcError(error)
  return {
    status: error instanceof Refusal ? statusInRpc(error) : error instanceof Unavailable ? error.status : 200,
    headers: headersOf(error),
    body: JSON.stringify({ jsonrpc: "2.0", id, error: { code, message, ...(data === undefined ? {} : { data }) } })
  }
}

/** Of a request of JSON-RPC. */
export type Id = string | number | null

const statusInRpc = ({ status }: Refusal): number => (status === 400 || status === 500 ? 200 : status)

/** As `google.rpc.Status` (section 11.6). */
export const toldInRest = (error: A2AError): Told => {
  const status = error instanceof Refusal || error instanceof Unavailable ? error.status : restStatusFor(error)
  const body = toRestErrorBody(error, status)
  const name = error instanceof Refusal || error instanceof Unavailable ? statusNames[status] : undefined
  return {
    status,
    headers: headersOf(error),
    body: JSON.stringify({ error: { ...body.error, status: name ?? body.error.status } })
  }
}

const headersOf = (error: A2AError): Headers | undefined =>
  error instanceof Unavailable
    ? { "retry-after": String(error.retryAfter) }
    : error instanceof Refusal
      ? error.headers
      : undefined

/** As `google.rpc.Code` names them. */
const statusNames: Readonly<Record<number, string>> = {
  400: "INVALID_ARGUMENT",
  401: "UNAUTHENTICATED",
  403: "PERMISSION_DENIED",
  404: "NOT_FOUND",
  405: "UNIMPLEMENTED",
  413: "RESOURCE_EXHAUSTED",
  429: "RESOURCE_EXHAUSTED",
  500: "INTERNAL",
  503: "UNAVAILABLE"
}
