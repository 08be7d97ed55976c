import { describe, expect, it } from "@effect/vitest"
import * as Webhook from "../../../src/http/a2a/Webhook.ts"

describe("Webhook.isPublic", () => {
  it.each([
    "https://client.example.com/hook?x=1",
    "http://client.test:8080/",
    "https://8.8.8.8/",
    "https://172.15.0.1/",
    "https://172.32.0.1/",
    "https://100.63.0.1/",
    "https://100.128.0.1/",
    "https://192.169.0.1/",
    "https://169.253.0.1/",
    "https://[2606:4700:4700::1111]/",
    "https://[2001:4860:4860::8888]/",
    "https://localhost.example.com/",
    "https://internal.example.com./",
    "https://10.0.0.1.example.com/",
    "https://bücher.example/"
  ])("%s is", (url) => expect(Webhook.isPublic(new URL(url))).toBe(true))

  it.each([
    "http://localhost/",
    "http://LOCALHOST:3000/",
    "http://localhost./",
    "http://a.localhost/",
    "http://localhost.localdomain/",
    "http://redis:6379/",
    "http://printer.local/",
    "http://metadata.google.internal/",
    "http://router.home.arpa./",
    "http://0.0.0.0/",
    "http://10.1.2.3/",
    "http://100.64.0.1/",
    "http://127.0.0.1:8080/",
    "http://127.255.255.255/",
    "http://169.254.169.254/latest/meta-data/",
    "http://172.16.0.1/",
    "http://172.31.255.255/",
    "http://192.0.0.170/",
    "http://192.168.1.1/",
    "http://198.19.0.1/",
    "http://224.0.0.1/",
    "http://255.255.255.255/",
    // Other ways to write 127.0.0.1.
    "http://127.1/",
    "http://2130706433/",
    "http://0x7f.0.0.1/",
    "http://0177.0.0.1/",
    "http://127.0.0.1./",
    "http://①②⑦.0.0.1/",
    "http://[::1]/",
    "http://[::]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::127.0.0.1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[2002:7f00:1::]/",
    "http://[2001::1]/",
    "http://[2001:0:7f00:1::]/",
    "http://[fe80::1]/",
    "http://[fc00::1]/",
    "http://[fd12:3456::1]/",
    "http://[fec0::1]/",
    "http://[ff02::1]/"
  ])("%s is not", (url) => expect(Webhook.isPublic(new URL(url))).toBe(false))
})
