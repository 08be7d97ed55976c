/**
 * How a call is put in a request, and where its result or error stands in an answer:
 * the two bindings of A2A over HTTP. The codecs are the SDK's.
 */
import { type A2AError, fromJsonRpcErrorResponse, fromRestErrorBody } from "@a2a-js/sdk/errors"
import * as HttpClientRequest from "effect/http/HttpClientRequest"

/** One question and how its answer is read. */
export interface Call {
  readonly name: string
  readonly request: HttpClientRequest.HttpClientRequest
  /** Of the JSON of an answer, or of an event; what is no object may make it throw. */
  readonly read: (json: any, status: number) => { readonly result: unknown } | { readonly error: A2AError }
}

type Method = "SendMessage" | "SendStreamingMessage" | "GetTask" | "ListTasks" | "SubscribeToTask" | "CancelTask"

/** In the JSON of the protocol; REST has some of it in the path. */
export interface Params {
  readonly id?: string
  readonly [field: string]: unknown
}

export type Binding = (method: Method, params: Params) => Call

export const jsonRpc =
  (url: string, tenant: string): Binding =>
  (method, params) => ({
    name: method,
    request: HttpClientRequest.bodyJsonUnsafe(HttpClientRequest.post(url), {
      jsonrpc: "2.0",
      // One call a request: there is nothing to tell apart.
      id: 1,
      method,
      params: tenant === "" ? params : { ...params, tenant }
    }),
    read: (json) => (json.error ? { error: fromJsonRpcErrorResponse(json) } : { result: json.result })
  })

export const rest = (url: string, tenant: string): Binding => {
  const base = url.replace(/\/+$/, "") + (tenant === "" ? "" : `/${encodeURIComponent(tenant)}`)
  const get = (path: string, query: object) =>
    HttpClientRequest.get(base + path, { urlParams: query as HttpClientRequest.Options.NoUrl["urlParams"] })
  const post = (path: string, body: object) =>
    HttpClientRequest.bodyJsonUnsafe(HttpClientRequest.post(base + path), body)
  const requestOf = (method: Method, { id, ...params }: Params): HttpClientRequest.HttpClientRequest => {
    const task = `/tasks/${encodeURIComponent(id ?? "")}`
    switch (method) {
      case "SendMessage":
        return post("/message:send", params)
      case "SendStreamingMessage":
        return post("/message:stream", params)
      case "GetTask":
        return get(task, params)
      case "ListTasks":
        return get("/tasks", params)
      case "SubscribeToTask":
        return post(`${task}:subscribe`, params)
      case "CancelTask":
        return post(`${task}:cancel`, params)
    }
  }
  return (method, params) => ({
    name: method,
    request: requestOf(method, params),
    read: (json, statusCode) =>
      json.error ? { error: fromRestErrorBody(json.error, { statusCode }) } : { result: json }
  })
}

/** A document that is neither. */
export const document = (name: string, url: string): Call => ({
  name,
  request: HttpClientRequest.get(url),
  read: (result) => ({ result })
})
