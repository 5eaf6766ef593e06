import { afterEach, describe, expect, it, vi } from "vitest";
import { addressOf, ApiError, get, newIdempotencyKey, send, sessionListeners } from "@/api/client";
import { linesIn } from "@/api/download";
import { amountField } from "@/exact";

const asked: Request[] = [];

function answering(body: string, init: ResponseInit = {}): void {
  asked.length = 0;
  vi.stubGlobal("fetch", (address: string, request: RequestInit) => {
    asked.push(new Request(`http://router.test${address}`, request));
    return Promise.resolve(new Response(body, init));
  });
}

afterEach(() => { vi.unstubAllGlobals(); });

describe("addresses", () => {
  it("fills in the words of the path, leaves out what is not given, and asks for nobody by an empty word", () => {
    expect(addressOf("/api/{id}/x", { id: "a/b 甲" }, { user: "", page: 0, flag: false, none: null })).toBe("/api/a%2Fb%20%E7%94%B2/x?user=&page=0&flag=false");
    expect(addressOf("/api/x")).toBe("/api/x");
  });
});

describe("the server's refusals", () => {
  it.each([
    ['{"detail":"日期格式错误","code":"date_invalid"}', "日期格式错误", "date_invalid"],
    ['{"error":{"message":"no money","code":"user_quota_exhausted"}}', "no money", "user_quota_exhausted"],
    ['{"code":402,"message":"配额不足","data":null}', "配额不足", null],
    ['{"error":"wrong password"}', "wrong password", null],
    ["<html>bad gateway</html>", "<html>bad gateway</html>", null],
  ])("have one shape: %s", async (body, message, code) => {
    answering(body, { status: 402, headers: { "retry-after": "7", "x-request-id": "req_1" } });
    const error = await get("/api/system/info").catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({ status: 402, message, code, retryAfterS: 7, requestId: "req_1" });
  });

  it("says status 0 when the server cannot be reached", async () => {
    vi.stubGlobal("fetch", () => Promise.reject(new TypeError("connection refused")));
    await expect(get("/api/system/info")).rejects.toMatchObject({ status: 0 });
  });

  it("tells the session's listeners about 401 and about nothing else", async () => {
    const tell = vi.fn();
    sessionListeners.add(tell);
    answering("{}", { status: 403 });
    await get("/api/system/info").catch(() => undefined);
    expect(tell).not.toHaveBeenCalled();
    answering("{}", { status: 401 });
    await get("/api/system/info").catch(() => undefined);
    expect(tell).toHaveBeenCalledOnce();
    answering('{"detail":"the name or the password is not right","code":"login_refused"}', { status: 401 });
    await send("post", "/api/admin/me/password").catch(() => undefined);
    expect(tell).toHaveBeenCalledOnce();
    sessionListeners.delete(tell);
  });
});

describe("what is sent", () => {
  it("says of a change that it comes from the console, with its idempotency key and exact amounts", async () => {
    answering("");
    const idempotencyKey = newIdempotencyKey();
    await send("post", "/api/admin/users", { body: { amount: amountField("0.10") }, idempotencyKey });
    const [request] = asked;
    expect(request?.headers.get("x-requested-with")).toBe("console");
    expect(request?.headers.get("idempotency-key")).toBe(idempotencyKey);
    expect(await request?.text()).toBe('{"amount":0.10}');
    expect(newIdempotencyKey()).not.toBe(idempotencyKey);
  });

  it("asks by the session's cookie alone", async () => {
    answering('{"success":true,"data":{}}');
    await get("/api/system/info");
    expect(asked[0]?.credentials).toBe("same-origin");
    expect([...(asked[0]?.headers.keys() ?? [])]).toEqual(["accept"]);
  });
});

it("counts the lines of a file piece by piece", () => {
  const bytes = (text: string) => new TextEncoder().encode(text);
  expect([linesIn(bytes("")), linesIn(bytes("a,b")), linesIn(bytes("a\nb\n")), linesIn(bytes("\n\n\n"))]).toEqual([0, 0, 2, 3]);
});
