/** Asks before something happens that cannot be taken back. */
import { ElMessageBox } from "element-plus/es/components/message-box/index";
import "element-plus/es/components/message-box/style/css";
import { i18n } from "@/i18n";

let isAsking = false;

/** True when the user agrees; `action` names the deed on the button. A second question while one is open is a no. */
export async function confirmed(title: string, text: string, action: string): Promise<boolean> {
  if (isAsking) return false;
  isAsking = true;
  const words = { confirmButtonText: action, cancelButtonText: i18n.global.t("components.cancel") };
  try {
    await ElMessageBox.confirm(text, title, { type: "warning", closeOnClickModal: false, ...words });
    return true;
  } catch {
    return false;
  } finally {
    isAsking = false;
  }
}
