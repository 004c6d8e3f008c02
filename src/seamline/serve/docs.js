/** The page about the API: which language its examples are in, and copies of them. */

const buttons = [...document.querySelectorAll("#languages button")];

function choose(language) {
  for (const button of buttons) button.ariaPressed = button.dataset.language === language;
  for (const figure of document.querySelectorAll("figure.code")) figure.hidden = figure.dataset.language !== language;
}

for (const button of buttons) button.addEventListener("click", () => choose(button.dataset.language));
if (navigator.clipboard) {
  for (const figure of document.querySelectorAll("figure.code")) {
    const copy = Object.assign(document.createElement("button"), { type: "button", className: "copy", textContent: "Copy" });
    copy.addEventListener("click", async () => {
      await navigator.clipboard.writeText(figure.querySelector("code").textContent);
      copy.textContent = "Copied";
      setTimeout(() => { copy.textContent = "Copy"; }, 2000);
    });
    figure.append(copy);
  }
}
document.getElementById("languages").hidden = false;
choose("curl");
