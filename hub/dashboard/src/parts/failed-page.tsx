// What is left when the page itself has a mistake, or is no longer the hub's: a
// sentence, and the way out.
import { Component, type ReactNode } from "react";
import { OtherPage } from "../api/chunk";

/** FailedPage shows its children, unless drawing them fails. */
export class FailedPage extends Component<{ children: ReactNode }, { error: Error | null }> {
  override state: { error: Error | null } = { error: null };

  static getDerivedStateFromError(error: Error) {
    return { error };
  }

  override render() {
    const { error } = this.state;
    if (!error) return this.props.children;
    return (
      <div className="failure" role="alert">
        <strong>{error instanceof OtherPage ? "The hub has another page" : "This page has a mistake"}</strong>
        <p>{error.message}</p>
        <p><button type="button" className="link" onClick={() => location.reload()}>Load it anew</button></p>
      </div>
    );
  }
}
