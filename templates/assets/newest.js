location.replace(document.body.dataset.newest + location.hash);
