/** Short notices at the top of the page. */
import { ElMessage } from "element-plus/es/components/message/index";
import "element-plus/es/components/message/style/css";
import { ApiError } from "@/api/client";
import { i18n } from "@/i18n";

export function noticeDone(text: string): void {
  ElMessage.success({ message: text, grouping: true });
}

/** What went wrong, in the server's words; anything that is not a refusal of the server rises. */
export function noticeRefused(cause: unknown): void {
  if (!(cause instanceof ApiError)) throw cause;
  ElMessage.error({ message: cause.message || i18n.global.t("components.failed"), showClose: true, duration: 8000 });
}
