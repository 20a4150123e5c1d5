// Hide the question for the rest of this visit once it was answered with no. The browser keeps
// only that answer, which is the same for everybody, and forgets it with the tab.
const banner = document.getElementById("consent");
const asked = "consent-was-refused";

if (sessionStorage.getItem(asked)) {
  banner.remove();
} else {
  banner.querySelector("[value=no]").addEventListener("click", (event) => {
    event.preventDefault();
    sessionStorage.setItem(asked, "yes");
    banner.remove();
  });
}
